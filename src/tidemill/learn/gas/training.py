"""Which forecaster is used: that with the least error on folds of later time, models and baselines alike."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from tidemill.learn.datasets.folds import Rows, WalkForward
from tidemill.learn.datasets.scaling import Scaler
from tidemill.learn.gas.baselines import Baseline, SpreadBaseline, fit_baseline, known_share
from tidemill.learn.gas.features import LOOKBACK, Examples, examples_of
from tidemill.learn.gas.models import FitOptions, GbModel, Learner, Predictor, XgbModel, fit, fit_scale
from tidemill.learn.gas.scores import Scores, mean_of, score
from tidemill.learn.gas.series import GasSeries
from tidemill.schema.faults import Refused

ROWS_MIN = 100
KNOWN_SHARE_MIN = 0.9
"""A baseline that has no forecast for more rows than this leaves is not compared."""


class TrainingOptions(Struct, frozen=True, kw_only=True):
    """What is forecast, and how that is tried."""

    horizon_steps: int = 5
    threshold: float = 0.05
    """A change by more than this share is rising or falling."""
    folds: int = 5
    fit: FitOptions = FitOptions()


class Line(Struct, frozen=True, kw_only=True):
    """How one predictor did."""

    predictor: str
    is_model: bool
    known_share: float
    """For which share of the tested rows it had a forecast of its own."""
    mean: Scores
    folds: list[Scores]


class Report(Struct, frozen=True, kw_only=True):
    """How all predictors did on the same folds."""

    lines: list[Line]
    """Least mean absolute error first."""
    not_compared: dict[str, str]
    """Baselines left out, and why."""
    best_model: str
    best_baseline: str
    is_model_used: bool
    """Whether the best model's mean absolute error is no more than the best baseline's, of all folds."""

    @property
    def chosen(self) -> str:
        """Return the predictor that is used."""
        return self.best_model if self.is_model_used else self.best_baseline

    @property
    def verdict(self) -> str:
        """Return one sentence that says which is used, and why."""
        errors = {line.predictor: line.mean.mae_gwei for line in self.lines}
        model = f"{self.best_model} (MAE {errors[self.best_model]:.4g} gwei)"
        baseline = f"{self.best_baseline} (MAE {errors[self.best_baseline]:.4g} gwei)"
        if self.is_model_used:
            return f"{model} is used: it does not do worse than the best baseline, {baseline}."
        return f"No model is used: {model} does worse than {baseline}, which is used in its place."


class Trained(NamedTuple):
    """All predictors, fitted on all rows, and how they did on the folds."""

    options: TrainingOptions
    series: GasSeries
    examples: Examples
    scaler: Scaler
    models: Mapping[Learner, XgbModel | GbModel]
    baselines: Mapping[Baseline, SpreadBaseline]
    report: Report

    @property
    def chosen(self) -> Predictor:
        """Return the predictor that is used."""
        name = self.report.chosen
        return self.models[Learner(name)] if self.report.is_model_used else self.baselines[Baseline(name)]


def train(series: GasSeries, options: TrainingOptions, tell: Callable[[int], None] | None = None) -> Trained:
    """Return predictors of this series; `tell` is told how many folds were tried.

    Raises: Refused, where it is too short.
    """
    return train_rows(series, examples_of(series, options.horizon_steps), options, tell)


def train_rows(
    series: GasSeries,
    examples: Examples,
    options: TrainingOptions,
    tell: Callable[[int], None] | None = None,
) -> Trained:
    """Return predictors of some of a series' examples. Raises: Refused, as `train`."""
    if len(examples.places) < ROWS_MIN:
        raise Refused(
            f"gas prices: expected {ROWS_MIN} steps at least whose price {options.horizon_steps} steps later "
            f"is known, found {len(examples.places)}"
        )
    scaler = fit_scale(examples.features)
    return Trained(
        options=options,
        series=series,
        examples=examples,
        scaler=scaler,
        models={
            learner: fit(learner, examples.features, examples.changes, scaler, options.fit)
            for learner in Learner
        },
        baselines={one: fit_baseline(one, examples.features, examples.changes) for one in Baseline},
        report=walk_forward(examples, options, tell),
    )


def walk_forward(
    examples: Examples, options: TrainingOptions, tell: Callable[[int], None] | None = None
) -> Report:
    """Return how every predictor did on folds, each trained on what was over before its test began."""
    # A label reaches `horizon_steps` on and a test row's features LOOKBACK back: neither may share a step.
    splits = WalkForward(options.folds, options.horizon_steps + LOOKBACK).split(examples.places)
    scores: dict[str, list[Scores]] = {}
    tested: list[int] = []
    for fold, (train_rows, test_rows) in enumerate(splits, 1):
        tested += test_rows.tolist()
        for name, one in _scored(examples, train_rows, test_rows, options):
            scores.setdefault(name, []).append(one)
        if tell is not None:
            tell(fold)
    shares = {str(one): known_share(one, examples.features[tested]) for one in Baseline}
    out = {
        name: f"it has a forecast for {share:.0%} of the tested rows only"
        for name, share in shares.items()
        if share < KNOWN_SHARE_MIN
    }
    lines = [
        Line(
            predictor=name,
            is_model=name in list(Learner),
            known_share=shares.get(name, 1.0),
            mean=mean_of(ones),
            folds=ones,
        )
        for name, ones in scores.items()
        if name not in out
    ]
    lines.sort(key=lambda line: (line.mean.mae_gwei, line.predictor))
    model = next(line for line in lines if line.is_model)
    baseline = next(line for line in lines if not line.is_model)
    return Report(
        lines=lines,
        not_compared=out,
        best_model=model.predictor,
        best_baseline=baseline.predictor,
        is_model_used=model.mean.mae_gwei <= baseline.mean.mae_gwei,
    )


def _scored(
    examples: Examples, train_rows: Rows, test_rows: Rows, options: TrainingOptions
) -> Iterator[tuple[str, Scores]]:
    features, changes = examples.features[train_rows], examples.changes[train_rows]
    scaler = fit_scale(features)
    predictors: dict[str, Predictor] = {
        **{learner: fit(learner, features, changes, scaler, options.fit) for learner in Learner},
        **{one: fit_baseline(one, features, changes) for one in Baseline},
    }
    for name, predictor in predictors.items():
        told = predictor.predict(examples.features[test_rows])
        yield (
            str(name),
            score(examples.gas_gwei[test_rows], examples.changes[test_rows], told, options.threshold),
        )
