"""What do regression trees say of a row: plain arrays, that JSON holds and no library is needed for."""

from typing import Any

import numpy as np
from msgspec import Struct

from tidemill.learn.gas_series import Floats
from tidemill.schema.faults import Malformed

_MOST = float(np.finfo(np.float64).max)


class Forest(Struct, frozen=True, forbid_unknown_fields=True):
    """Trees whose leaves are added up; the nodes of all of them in one list, children after their parent."""

    baseline: float
    roots: list[int]
    feature: list[int]
    """By node: which column is asked; -1 at a leaf."""
    threshold: list[float]
    """A row goes left where its value is no more than that."""
    is_missing_left: list[bool]
    left: list[int]
    right: list[int]
    value: list[float]
    """What a leaf adds."""


class ForestWalker:
    """Walks rows down all trees of a forest at once."""

    def __init__(self, forest: Forest, columns: int) -> None:
        """Raises: Malformed, where the arrays make no trees over so many columns."""
        _check(forest, columns)
        self._baseline = forest.baseline
        self._roots = np.array(forest.roots, dtype=np.int64)
        self._feature = np.array(forest.feature, dtype=np.int64)
        self._threshold = np.array(forest.threshold)
        self._is_missing_left = np.array(forest.is_missing_left, dtype=bool)
        self._left = np.array(forest.left, dtype=np.int64)
        self._right = np.array(forest.right, dtype=np.int64)
        self._value = np.array(forest.value)

    def predict(self, features: Floats) -> Floats:
        """Return float64[n]: the sum of what each tree adds, of float64[n, columns]."""
        at = np.broadcast_to(self._roots, (len(features), len(self._roots))).copy()
        rows = np.arange(len(features))[:, None]
        while True:
            column = self._feature[at]
            is_inner = column >= 0
            if not is_inner.any():
                return self._baseline + self._value[at].sum(axis=1)
            values = features[rows, column]
            is_left = np.where(np.isnan(values), self._is_missing_left[at], values <= self._threshold[at])
            at = np.where(is_inner, np.where(is_left, self._left[at], self._right[at]), at)


def forest_of(model: Any) -> Forest:
    """Return the trees of a fitted scikit-learn HistGradientBoostingRegressor without categories.

    Its predictors are private there; a test compares what these arrays say with what it says.
    """
    lists: dict[str, list[Any]] = {name: [] for name in Forest.__struct_fields__ if name != "baseline"}
    for (predictor,) in model._predictors:
        first, nodes = len(lists["feature"]), predictor.nodes
        is_leaf = nodes["is_leaf"].astype(bool)
        lists["roots"].append(first)
        lists["feature"] += np.where(is_leaf, -1, nodes["feature_idx"].astype(np.int64)).tolist()
        lists["threshold"] += np.where(is_leaf, 0.0, _finite(nodes["num_threshold"])).tolist()
        lists["is_missing_left"] += nodes["missing_go_to_left"].astype(bool).tolist()
        for side in ("left", "right"):
            lists[side] += np.where(is_leaf, 0, nodes[side].astype(np.int64) + first).tolist()
        lists["value"] += np.where(is_leaf, nodes["value"], 0.0).tolist()
    return Forest(baseline=float(np.ravel(model._baseline_prediction)[0]), **lists)


def _finite(thresholds: Floats) -> Floats:
    """Return thresholds that JSON holds: an infinite one parts absent values from all others."""
    return np.clip(thresholds, -_MOST, _MOST)


def _check(forest: Forest, columns: int) -> None:
    count = len(forest.feature)
    lengths = {len(getattr(forest, name)) for name in Forest.__struct_fields__[2:]}
    if lengths != {count} or not all(0 <= root < count for root in forest.roots):
        raise Malformed(f"trees: expected as many of each as nodes, found {sorted(lengths)} of {count}")
    for at, column in enumerate(forest.feature):
        # A child after its parent: then every walk ends.
        is_inner = 0 <= column < columns and at < forest.left[at] < count and at < forest.right[at] < count
        if column != -1 and not is_inner:
            raise Malformed(f"trees: expected node {at} to be a leaf or to ask one of {columns} columns")
