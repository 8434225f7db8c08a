import json

import pytest

from tidemill.process.features.plan import plan_of, window_of
from tidemill.schema.features import FEATURES, Feature, Group


def feature(formula: str, name: str = "tried") -> Feature:
    return Feature(name, Group.PRICE, "1", formula, "Tried.")


def test_equal_parts_of_formulas_are_computed_once() -> None:
    formula = "mean(block.fullness, m1) / (1 + mean(block.fullness, m1))"
    plan = json.loads(plan_of([feature(formula), feature(formula, "again")]))
    assert len(plan["reads"]) == 1
    assert plan["steps"] == [{"add": [0, 1]}, {"div": [1, 2]}]
    assert [one["register"] for one in plan["outputs"]] == [3, 3]


def test_a_feature_may_be_made_of_another() -> None:
    plan = json.loads(plan_of([feature("2 * bid"), feature("tried + 1", "other")]))
    assert plan["facts"] == ["bid"]
    assert len(plan["steps"]) == 2


@pytest.mark.parametrize(
    "formula",
    [
        "nothing",
        "tried",
        "mean(block.fullness)",
        "mean(block.fullness, h1)",
        "mean(block.colour, m1)",
        "mean(nobody.fullness, m1)",
        "quantile(block.fullness, m1)",
        "sqrt(1, 2)",
        "bid ** 2",
        "__import__('os')",
        "bid.real",
    ],
)
def test_words_that_no_formula_has_are_refused_by_name(formula: str) -> None:
    with pytest.raises(ValueError, match="feature tried"):
        plan_of([feature(formula)])


def test_the_warm_up_is_the_longest_window_of_a_feature_and_of_those_that_it_is_made_of() -> None:
    by_name = {one.name: one for one in FEATURES}
    assert window_of(by_name["gas_price_gwei"]) == 0
    assert window_of(by_name["entry_volatility_5s"]) == 5
    assert window_of(by_name["entry_volume_change_1m"]) == 86_400
    assert window_of(by_name["competition_risk"]) == 300
