"""`tidemill train`: learn gas prices from what was recorded, and parameters from what came of trades."""

import asyncio
import importlib.util
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
from msgspec import Struct, structs

from tidemill.app.reading import reading
from tidemill.app.settings import Environment
from tidemill.app.training.progress import progress
from tidemill.app.training.training_episodes import learned, written
from tidemill.chains.evm.base_fee import next_base_fee_wei
from tidemill.learn.card import card, episodes_card
from tidemill.learn.gas.features import NAMES, Examples
from tidemill.learn.gas.model_files import METADATA, Metadata, chain_folder, write
from tidemill.learn.gas.model_registry import REGISTRY, adopt
from tidemill.learn.gas.models import FitOptions
from tidemill.learn.gas.observations import read_series
from tidemill.learn.gas.series import GasSeries, Told, series_of
from tidemill.learn.gas.training import Trained, TrainingOptions, train
from tidemill.learn.json_files import read_json, write_file
from tidemill.learn.parameters.chosen import write_ledger_report
from tidemill.learn.parameters.episodes import JUDGED_EPISODES, EpisodesReport, Learned
from tidemill.learn.parameters.outcomes import AgentReport, read_outcomes, train_agent
from tidemill.learn.plots import gas_plots
from tidemill.schema.faults import Refused
from tidemill.store.coverage import Readable

CARD, TRAINING_DATA, PLOTS = "forecaster_card.md", "training_data.csv", "plots"
EPISODES = 10_000
"""Of a ledger, where none are asked for."""
_GWEI = 1e9
_BLOCKS_SQL = """SELECT toUnixTimestamp64Nano(event_ns) AS at, toUInt64(assumeNotNull(base_fee_wei)) AS fee,
    gas_used, gas_limit
FROM block_canonical
WHERE hex(toString(source)) = '{source}' AND base_fee_wei IS NOT NULL
ORDER BY block_number DESC LIMIT {samples}"""
_SOURCES_SQL = "SELECT DISTINCT toString(source) AS source FROM block WHERE base_fee_wei IS NOT NULL"


class TrainOptions(Struct, frozen=True, kw_only=True):
    """What to learn from, and how."""

    samples: int = 10_000
    """The newest gas prices to learn from."""
    episodes: int | None = None
    """To learn a trade's parameters from: outcomes of the ledger, in turn and again (10,000 where absent);
    without a ledger, opportunities on a sandbox (none where absent)."""
    judged_episodes: int = JUDGED_EPISODES
    """On the sandbox, after those that are learned from, of each seed that is judged by."""
    judged_seeds: int = 1
    """More take longer, and tell more surely: what holds of one draw may be its luck."""
    observations: Sequence[Path] = ()
    """CSV files of gas prices; the store's blocks where none are named."""
    ledger: Path | None = None
    chain: str | None = None
    horizon_steps: int = 5
    threshold: float = 0.05
    folds: int = 5
    trees: int = 80
    seed: int = 0
    why: str = "it was trained"
    """Of the version that is made of it."""


class Answer(Struct, frozen=True, kw_only=True):
    """What was made."""

    files: list[str]
    gas: Metadata | None
    """Absent where there was nothing to learn gas from, but episodes."""
    no_gas: str | None = None
    """Why there was not."""
    agent: AgentReport | None
    """Absent where no ledger was given."""
    episodes: EpisodesReport | None = None
    """Absent where none were asked for."""


def main(environment: Environment, options: TrainOptions, *, is_json: bool) -> int:
    """Train, write, print what came of it; return the exit code. Raises: Refused, Malformed."""
    check_packages()
    series, no_gas = _series_or_why(environment, options)
    played = _played(options, is_shown=not is_json)
    answer = trained(environment.paths.data, series, options, played, is_shown=not is_json)
    answer = structs.replace(answer, no_gas=no_gas)
    if is_json:
        print(json.dumps(msgspec.to_builtins(answer), indent=2))
        return 0
    print("\n".join(_told(answer)))
    return 0


def trained(
    data: Path,
    series: GasSeries | None,
    options: TrainOptions,
    played: Learned | None = None,
    *,
    is_shown: bool = False,
) -> Answer:
    """Train on a series, on a ledger where one is given, and take what episodes taught; write all files.

    Raises: Refused, Malformed.
    """
    folder = chain_folder(data / "models", options.chain)
    outcomes = read_outcomes(options.ledger) if options.ledger else None
    made = None if outcomes is None else train_agent(outcomes, options.episodes or EPISODES, options.seed)
    report = made.report if made else None
    files = [] if series is None else _write_gas(data, folder, _gas(series, options, is_shown), options)
    if files:
        adopt(folder, options.why)
        files.append(folder / REGISTRY)
    metadata = None if series is None else read_json(folder / METADATA, Metadata)
    if metadata is not None:
        files.append(write_file(folder / CARD, card(metadata, report).encode()))
        files += [write_file(folder / PLOTS / name, png) for name, png in gas_plots(metadata).items()]
    if made is not None:
        files += [*made.agent.save(data), write_ledger_report(data, made.report)]
    if played is not None:
        files += written(data, folder, played)
    return Answer(
        files=[str(file) for file in files],
        gas=metadata,
        agent=report,
        episodes=played.report if played else None,
    )


def _gas(series: GasSeries, options: TrainOptions, is_shown: bool) -> Trained:
    with progress("Folds", options.folds, is_shown=is_shown) as tell:
        return train(series, training_options(options), tell)


def training_options(options: TrainOptions) -> TrainingOptions:
    """Return how gas is learned."""
    return TrainingOptions(
        horizon_steps=options.horizon_steps,
        threshold=options.threshold,
        folds=options.folds,
        fit=FitOptions(trees=options.trees, seed=options.seed),
    )


def _write_gas(data: Path, folder: Path, gas: Trained, options: TrainOptions) -> list[Path]:
    return [*write(folder, gas, options.chain), write_file(data / TRAINING_DATA, _csv(gas.examples))]


def _told(answer: Answer) -> Iterator[str]:
    if answer.gas is not None:
        yield card(answer.gas, answer.agent)
    else:
        yield f"No gas was learned: {answer.no_gas}"
    if answer.episodes is not None:
        yield episodes_card(answer.episodes)
    elif answer.agent is None:
        yield "Neither --ledger nor --episodes was given: no parameters were learned."
    yield from answer.files


def _played(options: TrainOptions, *, is_shown: bool) -> Learned | None:
    if options.episodes is None or options.ledger is not None:
        return None
    return asyncio.run(
        learned(
            options.episodes,
            options.judged_episodes,
            options.judged_seeds,
            seed=options.seed,
            chain=options.chain,
            is_shown=is_shown,
        )
    )


def _series_or_why(environment: Environment, options: TrainOptions) -> tuple[GasSeries | None, str | None]:
    """Return the series of gas; why there is none, where episodes are to be learned from at least."""
    try:
        return read_gas(environment, options), None
    except Refused as fault:
        if options.episodes is None or options.ledger is not None or options.observations:
            raise
        return None, str(fault)


def check_packages() -> None:
    """Check that the packages of learning are there. Raises: Refused."""
    for package in ("xgboost", "sklearn", "matplotlib"):
        if importlib.util.find_spec(package) is None:
            raise Refused(f"train: expected the package {package}; `pip install tidemill[learn]` brings it")


def read_gas(environment: Environment, options: TrainOptions) -> GasSeries:
    """Return the gas prices to learn from. Raises: Refused, Malformed."""
    if options.observations:
        return read_series(options.observations, options.samples)
    return asyncio.run(_stored(environment, options))


async def _stored(environment: Environment, options: TrainOptions) -> GasSeries:
    async with reading(environment, "train") as store:
        return await stored_series(store, options.chain, options.samples)


async def stored_series(store: Readable, chain: str | None, samples: int) -> GasSeries:
    """Return base fees of a chain's newest blocks, the only chain's where none is named. Raises: Refused."""
    sources = sorted((await store.query(_SOURCES_SQL))["source"].to_pylist())
    wanted = [chain] if chain else sources
    if len(wanted) != 1 or wanted[0] not in sources:
        raise Refused(
            "train: expected one chain whose blocks are stored (--chain), found "
            f"{', '.join(sources) or 'none'}; --observations names files instead"
        )
    table = await store.query(_BLOCKS_SQL.format(source=wanted[0].encode().hex().upper(), samples=samples))
    columns = (table[name].to_pylist()[::-1] for name in ("at", "fee", "gas_used", "gas_limit"))
    blocks = list(zip(*columns, strict=True))
    times = np.array([at for at, *_ in blocks], dtype=np.int64)
    fees = np.array([fee for _, fee, _, _ in blocks], dtype=float)
    following = np.array([next_base_fee_wei(*block[1:]) for block in blocks], dtype=float)
    return series_of(Told(times, fees / _GWEI), Told(times, following / _GWEI))


def _csv(examples: Examples) -> bytes:
    columns = {
        "event_ns": examples.event_ns,
        "gas_gwei": examples.gas_gwei,
        **dict(zip(NAMES, examples.features.T, strict=True)),
        "gas_change_ahead": examples.changes,
    }
    table = pa.table({name: pa.array(column, from_pandas=True) for name, column in columns.items()})
    out = pa.BufferOutputStream()
    pv.write_csv(table, out)
    return out.getvalue().to_pybytes()
