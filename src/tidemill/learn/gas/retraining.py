"""Is a forecaster to be trained anew, and is the new one better: judged on time that neither knows."""

from pathlib import Path

import numpy as np
from msgspec import Struct

from tidemill.learn.config import MlSettings
from tidemill.learn.datasets.folds import Rows
from tidemill.learn.gas.features import LOOKBACK, Examples, examples_of
from tidemill.learn.gas.forecaster import load_predictor
from tidemill.learn.gas.model_files import Metadata
from tidemill.learn.gas.models import Predictor
from tidemill.learn.gas.scores import score
from tidemill.learn.gas.series import GasSeries
from tidemill.learn.gas.training import Trained, TrainingOptions, train_rows
from tidemill.schema.faults import Refused

NEWER_MIN = 60
"""Steps after the champion's data: the later half judges."""
_NS_PER_S = 1_000_000_000


class Need(Struct, frozen=True, kw_only=True):
    """Whether a champion is to be challenged."""

    newer_steps: int
    """After its data, whose price a horizon later is known."""
    tried_mae_gwei: float
    """When it was tried."""
    newer_mae_gwei: float
    """On those steps."""
    age_ns: int
    """Between its data's end and the newest."""
    has_drifted: bool
    is_due: bool

    @property
    def is_needed(self) -> bool:
        """Return whether either is so."""
        return self.has_drifted or self.is_due

    @property
    def why(self) -> str:
        """Return that in a sentence."""
        errors = (
            f"MAE {self.newer_mae_gwei:.4g} gwei on newer steps, {self.tried_mae_gwei:.4g} when it was tried"
        )
        age = f"its data end {self.age_ns / _NS_PER_S / 3_600:.4g} h before the newest"
        told = {True: "it has drifted", False: "no drift"}[self.has_drifted]
        due = {True: "it is due", False: "not due"}[self.is_due]
        return f"{told} ({errors}); {due} ({age})"


class Contest(Struct, frozen=True, kw_only=True):
    """How champion and challenger did on the same newest steps."""

    steps: int
    champion_mae_gwei: float
    challenger_mae_gwei: float

    @property
    def is_won(self) -> bool:
        """Return whether the challenger did better."""
        return self.challenger_mae_gwei < self.champion_mae_gwei

    @property
    def why(self) -> str:
        """Return that in a sentence."""
        word = "beat" if self.is_won else "did not beat"
        return (
            f"it {word} the champion on the newest {self.steps} steps: "
            f"MAE {self.challenger_mae_gwei:.4g} and {self.champion_mae_gwei:.4g} gwei"
        )


def need_of(series: GasSeries, folder: Path, champion: Metadata, settings: MlSettings) -> Need:
    """Return whether the champion in `folder` is to be challenged.

    Raises: Refused, where the series has other steps or too few newer ones; Malformed.
    """
    examples, newer = _newer(series, champion)
    mae_gwei = _mae_gwei(load_predictor(folder, champion), examples, newer, champion.options)
    tried = next(line for line in champion.report.lines if line.predictor == champion.chosen)
    age_ns = series.first_ns + len(series.gas_gwei) * series.step_ns - champion.end_ns
    return Need(
        newer_steps=len(newer),
        tried_mae_gwei=tried.mean.mae_gwei,
        newer_mae_gwei=mae_gwei,
        age_ns=age_ns,
        has_drifted=mae_gwei > settings.drift_ratio * tried.mean.mae_gwei,
        is_due=age_ns > settings.retrain_interval_s * _NS_PER_S,
    )


def contest(series: GasSeries, folder: Path, champion: Metadata, options: TrainingOptions) -> Contest:
    """Return how a challenger, trained on all before the newest steps, does on them beside the champion.

    Raises: as `need_of`, and where there is too little to train on.
    """
    examples, newer = _newer(series, champion)
    tested = newer[len(newer) // 2 :]
    # A label reaches a horizon on and a tested row's features LOOKBACK back: neither may share a step.
    before = examples.places < examples.places[tested[0]] - options.horizon_steps - LOOKBACK
    challenger: Trained = train_rows(series, _rows(examples, np.flatnonzero(before)), options)
    return Contest(
        steps=len(tested),
        champion_mae_gwei=_mae_gwei(load_predictor(folder, champion), examples, tested, options),
        challenger_mae_gwei=_mae_gwei(challenger.chosen, examples, tested, options),
    )


def _newer(series: GasSeries, champion: Metadata) -> tuple[Examples, Rows]:
    if series.step_ns != champion.step_ns:
        raise Refused(
            f"gas prices: expected steps of {champion.step_ns / _NS_PER_S:g} s, as the champion has, "
            f"found {series.step_ns / _NS_PER_S:g} s"
        )
    examples = examples_of(series, champion.options.horizon_steps)
    newer = np.flatnonzero(examples.event_ns >= champion.end_ns)
    if len(newer) < NEWER_MIN:
        raise Refused(
            f"gas prices: expected {NEWER_MIN} steps at least after the champion's data, found {len(newer)}"
        )
    return examples, newer


def _mae_gwei(predictor: Predictor, examples: Examples, rows: Rows, options: TrainingOptions) -> float:
    told = predictor.predict(examples.features[rows])
    return score(examples.gas_gwei[rows], examples.changes[rows], told, options.threshold).mae_gwei


def _rows(examples: Examples, rows: Rows) -> Examples:
    return Examples(
        places=examples.places[rows],
        event_ns=examples.event_ns[rows],
        features=examples.features[rows],
        changes=examples.changes[rows],
        gas_gwei=examples.gas_gwei[rows],
    )
