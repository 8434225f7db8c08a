"""`tidemill train`: learn gas prices from what was recorded, and parameters from what came of trades."""

import asyncio
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
from msgspec import Struct

from tidemill.app.reading import reading
from tidemill.app.settings import Environment
from tidemill.learn.base_fee import next_base_fee_wei
from tidemill.learn.card import card
from tidemill.learn.gas_features import NAMES, Examples
from tidemill.learn.gas_files import read_series
from tidemill.learn.gas_models import FitOptions
from tidemill.learn.gas_series import GasSeries, Told, series_of
from tidemill.learn.gas_training import TrainingOptions, train
from tidemill.learn.model_files import METADATA, Metadata, models_folder, read_json, write, write_file
from tidemill.learn.outcomes import AgentReport, read_outcomes, train_agent
from tidemill.schema.faults import Refused
from tidemill.store.coverage import Readable

CARD, TRAINING_DATA = "forecaster_card.md", "training_data.csv"
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
    episodes: int = 10_000
    """Outcomes to learn from, the recorded ones in turn and again."""
    observations: Sequence[Path] = ()
    """CSV files of gas prices; the store's blocks where none are named."""
    ledger: Path | None = None
    chain: str | None = None
    horizon_steps: int = 5
    threshold: float = 0.05
    folds: int = 5
    trees: int = 80
    seed: int = 0


class Answer(Struct, frozen=True, kw_only=True):
    """What was made."""

    files: list[str]
    gas: Metadata
    agent: AgentReport | None
    """Absent where no ledger was given: there is nothing to learn parameters from."""


def main(environment: Environment, options: TrainOptions, *, is_json: bool) -> int:
    """Train, write, print what came of it; return the exit code. Raises: Refused, Malformed."""
    for package in ("xgboost", "sklearn"):
        if importlib.util.find_spec(package) is None:
            raise Refused(f"train: expected the package {package}; `pip install tidemill[learn]` brings it")
    answer = trained(environment.paths.data, _series(environment, options), options)
    if is_json:
        print(json.dumps(msgspec.to_builtins(answer), indent=2))
        return 0
    print(card(answer.gas, answer.agent))
    if answer.agent is None:
        print("No ledger of outcomes was given (--ledger): no parameters were learned.")
    print("\n".join(answer.files))
    return 0


def trained(data: Path, series: GasSeries, options: TrainOptions) -> Answer:
    """Train on a series, and on a ledger where one is given; write all files. Raises: Refused, Malformed."""
    outcomes = read_outcomes(options.ledger) if options.ledger else None
    made = None if outcomes is None else train_agent(outcomes, options.episodes, options.seed)
    gas = train(
        series,
        TrainingOptions(
            horizon_steps=options.horizon_steps,
            threshold=options.threshold,
            folds=options.folds,
            fit=FitOptions(trees=options.trees, seed=options.seed),
        ),
    )
    folder = models_folder(data, options.chain)
    files = write(folder, gas, options.chain)
    files.append(write_file(data / TRAINING_DATA, _csv(gas.examples)))
    if made is not None:
        files += made.agent.save(data)
    metadata, report = read_json(folder / METADATA, Metadata), made.report if made else None
    files.append(write_file(folder / CARD, card(metadata, report).encode()))
    return Answer(files=[str(file) for file in files], gas=metadata, agent=report)


def _series(environment: Environment, options: TrainOptions) -> GasSeries:
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
