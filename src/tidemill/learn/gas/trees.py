"""What do regression trees say of a row: plain arrays, that JSON holds and no library is needed for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tidemill.learn.arrays import Floats
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
    """Walks rows down all trees of several forests at once."""

    def __init__(self, forests: Sequence[Forest], columns: int) -> None:
        """Raises: Malformed, where the arrays make no trees over so many columns."""
        for forest in forests:
            _check(forest, columns)
        counts = [len(forest.feature) for forest in forests]
        firsts = [sum(counts[:at]) for at in range(len(forests))]
        self._baselines = np.array([forest.baseline for forest in forests])
        self._roots = np.concatenate(
            [np.array(forest.roots, np.int64) + first for forest, first in zip(forests, firsts, strict=True)]
        )
        self._begins = np.cumsum([0, *(len(forest.roots) for forest in forests[:-1])])
        feature = np.concatenate([np.array(forest.feature, np.int64) for forest in forests])
        is_leaf = feature < 0
        # A leaf leads to itself: every row takes as many steps as the deepest tree has.
        self._feature = np.where(is_leaf, 0, feature)
        self._threshold = np.concatenate([np.array(forest.threshold) for forest in forests])
        self._is_missing_left = np.concatenate([np.array(one.is_missing_left, bool) for one in forests])
        sides = [
            np.concatenate(
                [
                    np.array(getattr(one, side), np.int64) + first
                    for one, first in zip(forests, firsts, strict=True)
                ]
            )
            for side in ("right", "left")
        ]
        self._children = np.column_stack([np.where(is_leaf, np.arange(len(feature)), side) for side in sides])
        self._value = np.concatenate([np.array(forest.value) for forest in forests])
        self._depth = self._deepest(is_leaf)

    def predict(self, features: Floats) -> Floats:
        """Return float64[n, forests]: the sum of what each one's trees add, of float64[n, columns]."""
        at = np.broadcast_to(self._roots, (len(features), len(self._roots)))
        rows = np.arange(len(features))[:, None]
        is_absent = np.isnan(features)
        for _ in range(self._depth):
            column = self._feature[at]
            is_left = features[rows, column] <= self._threshold[at]
            is_left |= is_absent[rows, column] & self._is_missing_left[at]
            at = self._children[at, is_left.view(np.int8)]
        return self._baselines + np.add.reduceat(self._value[at], self._begins, axis=1)

    def _deepest(self, is_leaf: NDArray[np.bool_]) -> int:
        """Return how many steps it takes at most from a root to a leaf."""
        at, steps = self._roots, 0
        while len(at := at[~is_leaf[at]]):
            at, steps = np.unique(self._children[at]), steps + 1
        return steps


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
    if lengths != {count} or not forest.roots or not all(0 <= root < count for root in forest.roots):
        raise Malformed(f"trees: expected as many of each as nodes, found {sorted(lengths)} of {count}")
    for at, column in enumerate(forest.feature):
        # A child after its parent: then every walk ends.
        is_inner = 0 <= column < columns and at < forest.left[at] < count and at < forest.right[at] < count
        if column != -1 and not is_inner:
            raise Malformed(f"trees: expected node {at} to be a leaf or to ask one of {columns} columns")
