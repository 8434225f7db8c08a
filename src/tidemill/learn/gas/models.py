"""What learns a gas price's change: gradient boosting by XGBoost and scikit-learn, quantile by quantile."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import numpy as np
from msgspec import Struct

from tidemill.learn.arrays import Floats
from tidemill.learn.datasets.scaling import Method, Scaler, fit_scaler
from tidemill.learn.gas.features import NAMES
from tidemill.learn.gas.trees import Forest, ForestWalker, forest_of
from tidemill.learn.gas.trend import QUANTILES
from tidemill.schema.faults import Malformed

LEARNING_RATE = 0.07
LEAF_ROWS_MIN = 40
"""Few, shallow and broad trees: minutes of gas prices are mostly noise."""
DEPTH_MAX = 4


class FitOptions(Struct, frozen=True, kw_only=True):
    """How a model is fitted."""

    trees: int = 80
    """For each quantile."""
    seed: int = 0


class Learner(StrEnum):
    """Who learns."""

    XGB = "xgb"
    GB = "gb"


class Predictor(Protocol):
    """Says how a price changes."""

    def predict(self, features: Floats) -> Floats:
        """Return float64[n, len(QUANTILES)]: quantiles of the logarithm's change, ascending in each row."""
        ...


class XgbModel(NamedTuple):
    """XGBoost's trees, over scaled features."""

    booster: Any
    scaler: Scaler

    def predict(self, features: Floats) -> Floats:
        """Return float64[n, len(QUANTILES)]."""
        return np.sort(np.asarray(self.booster.inplace_predict(self.scaler.transform(features)), float))


class GbModel(NamedTuple):
    """scikit-learn's histogram trees, a forest a quantile, over scaled features."""

    forests: list[Forest]
    walker: ForestWalker
    scaler: Scaler

    def predict(self, features: Floats) -> Floats:
        """Return float64[n, len(QUANTILES)]."""
        return np.sort(self.walker.predict(self.scaler.transform(features)))


def gb_model(forests: list[Forest], scaler: Scaler) -> GbModel:
    """Return the model of a forest for each of QUANTILES. Raises: Malformed."""
    if len(forests) != len(QUANTILES):
        raise Malformed(
            f"trees: expected a forest for each of {len(QUANTILES)} quantiles, found {len(forests)}"
        )
    return GbModel(forests, ForestWalker(forests, len(NAMES)), scaler)


def fit_scale(features: Floats) -> Scaler:
    """Return the scaler of features, far ends cut: a jump of the price is one, twice as large or not."""
    return fit_scaler(features, list(NAMES), Method.ROBUST, handle_outliers=True)


def fit(
    learner: Learner, features: Floats, changes: Floats, scaler: Scaler, options: FitOptions
) -> XgbModel | GbModel:
    """Return a model of these rows; the same rows and seed give the same one. One thread."""
    scaled = scaler.transform(features)
    if learner is Learner.XGB:
        return XgbModel(_fit_xgb(scaled, changes, options), scaler)
    return gb_model([_fit_gb(scaled, changes, share, options) for share in QUANTILES], scaler)


def importances(model: XgbModel | GbModel) -> Mapping[str, float]:
    """Return which share of the splits asks each feature, most first."""
    if isinstance(model, XgbModel):
        counts = {
            int(name[1:]): float(n) for name, n in model.booster.get_score(importance_type="weight").items()
        }
    else:
        asked = np.concatenate([np.array(forest.feature, dtype=np.int64) for forest in model.forests])
        counts = dict(enumerate(np.bincount(asked[asked >= 0], minlength=len(NAMES)).astype(float)))
    total = sum(counts.values()) or 1.0
    shares = {name: float(counts.get(at, 0.0) / total) for at, name in enumerate(NAMES)}
    return dict(sorted(shares.items(), key=lambda one: (-one[1], one[0])))


def _fit_xgb(scaled: Floats, changes: Floats, options: FitOptions) -> Any:
    import xgboost

    settings = {
        "objective": "reg:quantileerror",
        "quantile_alpha": list(QUANTILES),
        "tree_method": "hist",
        "max_bin": 64,
        "max_depth": DEPTH_MAX,
        "min_child_weight": LEAF_ROWS_MIN,
        "eta": LEARNING_RATE,
        "nthread": 1,
        "seed": options.seed,
    }
    rows = xgboost.QuantileDMatrix(scaled, changes, max_bin=64, nthread=1)
    return xgboost.train(settings, rows, num_boost_round=options.trees)


def _fit_gb(scaled: Floats, changes: Floats, share: float, options: FitOptions) -> Forest:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingRegressor(
        loss="quantile",
        quantile=share,
        learning_rate=LEARNING_RATE,
        max_iter=options.trees,
        max_depth=DEPTH_MAX,
        min_samples_leaf=LEAF_ROWS_MIN,
        max_bins=63,
        early_stopping=False,  # pyright: ignore[reportArgumentType] a default of 'auto' is taken for its type
        random_state=options.seed,
    )
    # scikit-learn cannot bin a column without a value; one that is all alike is never asked.
    rows = np.where(np.isnan(scaled).all(axis=0), 0.0, scaled)
    with threadpool_limits(1):  # sums of threads differ in their last bits
        return forest_of(model.fit(rows, changes))
