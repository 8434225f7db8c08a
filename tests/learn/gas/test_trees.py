"""Trees that part absent values from all others are kept, and say what scikit-learn's say."""

import msgspec
import numpy as np
import pytest

from tidemill.learn.gas.trees import Forest, ForestWalker, forest_of


def test_a_forest_that_asks_whether_a_value_is_absent_comes_back_from_json_the_same() -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    dice = np.random.default_rng(0)
    rows = dice.normal(size=(400, 1))
    rows[::2] = np.nan
    labels = np.isnan(rows[:, 0]) * 5.0
    model = ensemble.HistGradientBoostingRegressor(max_iter=3, early_stopping=False).fit(rows, labels)
    assert any(np.isinf(one.nodes["num_threshold"]).any() for (one,) in model._predictors)
    kept = msgspec.json.decode(msgspec.json.encode(forest_of(model)), type=Forest)
    said = ForestWalker([kept], 1).predict(rows)
    assert said[:, 0] == pytest.approx(model.predict(rows))


def test_forests_of_different_trees_are_walked_at_once_and_each_says_its_own() -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    rows = np.random.default_rng(1).normal(size=(300, 3))
    rows[::7, 1] = np.nan
    models = [
        ensemble.HistGradientBoostingRegressor(max_iter=trees, max_depth=depth, early_stopping=False).fit(
            rows, np.nan_to_num(rows) @ [1.0, 2.0, trees]
        )
        for trees, depth in ((1, 1), (5, 4), (3, 2))
    ]
    said = ForestWalker([forest_of(model) for model in models], 3).predict(rows)
    assert said == pytest.approx(np.column_stack([model.predict(rows) for model in models]))
