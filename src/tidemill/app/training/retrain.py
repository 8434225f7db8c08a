"""`tidemill train --retrain` and `--roll-back`: challenge the forecaster in use, or use the one before."""

from pathlib import Path

import msgspec
from msgspec import Struct, structs

from tidemill.app.settings import Environment
from tidemill.app.training.train import TrainOptions, check_packages, read_gas, trained, training_options
from tidemill.learn.config import MlSettings
from tidemill.learn.gas import model_registry
from tidemill.learn.gas.model_files import Metadata, chain_folder, read_metadata
from tidemill.learn.gas.model_registry import adopt
from tidemill.learn.gas.retraining import Contest, Need, contest, need_of
from tidemill.learn.gas.series import GasSeries
from tidemill.schema.faults import Refused


class Answer(Struct, frozen=True, kw_only=True):
    """What came of a challenge."""

    need: Need
    contest: Contest | None
    """Absent where none was needed."""
    champion: int
    """The version that is used now."""
    files: list[str]


def main(environment: Environment, options: TrainOptions, *, is_if_needed: bool, is_json: bool) -> int:
    """Challenge the champion; return the exit code. Raises: Refused, Malformed."""
    check_packages()
    _champion(environment, options)  # before a store is opened
    series = read_gas(environment, options)
    answer = challenged(environment, series, options, is_if_needed=is_if_needed)
    print(msgspec.json.encode(answer).decode() if is_json else _told(answer))
    return 0


def challenged(
    environment: Environment, series: GasSeries, options: TrainOptions, *, is_if_needed: bool
) -> Answer:
    """Train a challenger, and one of all data in the champion's place where it wins. Raises: Refused."""
    folder, champion = _champion(environment, options)
    adopt(folder, "it was there")  # of before there were versions
    ml: MlSettings = environment.settings.ml
    need, held, files = need_of(series, folder, champion, ml), None, list[str]()
    if need.is_needed or not is_if_needed:
        # A challenger forecasts what the champion does, or their errors could not be compared.
        same = structs.replace(
            options,
            horizon_steps=champion.options.horizon_steps,
            threshold=champion.options.threshold,
            folds=champion.options.folds,
            ledger=None,
        )
        held = contest(series, folder, champion, training_options(same))
        if held.is_won:
            files = trained(environment.paths.data, series, structs.replace(same, why=held.why)).files
    return Answer(
        need=need, contest=held, champion=adopt(folder, "it was there").champion.number, files=files
    )


def _champion(environment: Environment, options: TrainOptions) -> tuple[Path, Metadata]:
    folder = chain_folder(environment.paths.data / "models", options.chain)
    found = read_metadata(folder)
    if found is None:
        raise Refused(f"{folder}: expected a trained forecaster, found none; `tidemill train` makes one")
    return folder, found


def roll_back(environment: Environment, chain: str | None, *, is_json: bool) -> int:
    """Use the version before the champion; return the exit code. Raises: Refused, Malformed."""
    registry = model_registry.roll_back(chain_folder(environment.paths.data / "models", chain))
    used = registry.champion
    told = f"version {used.number} is used again: {used.chosen}, {used.why}"
    print(msgspec.json.encode(used).decode() if is_json else told)
    return 0


def _told(answer: Answer) -> str:
    lines = [answer.need.why]
    if answer.contest is not None:
        lines.append(answer.contest.why)
    return "\n".join([*lines, f"Version {answer.champion} is used.", *answer.files])
