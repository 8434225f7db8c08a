"""A dataset's labels come from the first row after the horizon, and its parts know nothing of each other."""

import math

import msgspec
import pyarrow as pa
import pytest

from tidemill.learn.datasets.categories import Encoding
from tidemill.learn.datasets.dataset import (
    Label,
    Preparing,
    Recipe,
    content,
    difference,
    fold_rows,
    made,
    prepared,
    statement,
)
from tidemill.learn.datasets.scaling import Method
from tidemill.schema.faults import Refused

RECIPE = Recipe(
    table="block",
    columns=("gas_used",),
    start_ns=0,
    end_ns=1_000,
    label=Label(column="base_fee_wei", horizon_ns=10, by="source"),
    shares=(0.5, 0.25, 0.25),
)


def rows(times: list[int], values: list[float], groups: list[str | None]) -> pa.Table:
    return pa.table(
        {
            "at_ns": pa.array(times, pa.int64()),
            "id_block_hash": [bytes([at]) for at in range(len(times))],
            "x_gas_used": [float(at) for at in times],
            "label_now": values,
            "label_by": groups,
        }
    )


def test_a_label_is_of_the_first_row_after_the_horizon_in_the_same_group() -> None:
    table = made(RECIPE, rows([0, 5, 9, 12, 40], [1.0, 2.0, 3.0, 4.0, 8.0], ["a", "a", "b", "a", "a"]))
    assert table["label_ns"].to_pylist() == [12, 40, None, 40, None]
    assert table["label"].to_pylist() == [math.log(4), math.log(4), None, math.log(2), None]
    assert table["event_ns"].to_pylist() == [0, 5, 9, 12, 40]


def test_a_row_of_no_group_has_no_label_and_is_none() -> None:
    table = made(RECIPE, rows([0, 5, 12, 20, 40], [1.0, 2.0, 4.0, 8.0, 9.0], ["a", None, "a", None, "b"]))
    assert table["label_ns"].to_pylist() == [12, None, None, None, None]
    assert table["label"].to_pylist() == [math.log(4), None, None, None, None]


def test_a_row_whose_label_reaches_into_the_next_part_is_in_none() -> None:
    times = [at * 10 for at in range(16)]
    table = made(RECIPE, rows(times, [1.0] * 16, ["a"] * 16))
    expected = ["train"] * 7 + [None] + ["val"] * 3 + [None] + ["test"] * 3 + [None]
    assert table["part"].to_pylist() == expected


def test_no_training_row_changes_with_what_comes_in_later_parts() -> None:
    times = [at * 10 for at in range(16)]
    one = made(RECIPE, rows(times, [1.0] * 16, ["a"] * 16))
    other = made(RECIPE, rows(times, [1.0] * 8 + [9.0] * 8, ["a"] * 16))
    train = [[row for row in table.to_pylist() if row["part"] == "train"] for table in (one, other)]
    assert train[0] == train[1]


def test_the_same_rows_give_the_same_bytes_however_they_came() -> None:
    whole = rows([0, 5, 20], [1.0, 2.0, 3.0], ["a"] * 3)
    pieces = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    recipe = msgspec.structs.replace(RECIPE, shares=(1, 0, 0))
    assert content(made(recipe, whole)) == content(made(recipe, pieces))
    assert difference(made(recipe, whole), made(recipe, pieces)) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"table": "x; DROP TABLE block"}, "table: expected one of"),
        ({"columns": ("gas_used", "1 OR 1")}, "it has no 1 OR 1"),
        ({"columns": ("gas_used", "event_ns")}, "expected each once, and no event_ns"),
        ({"columns": ("gas_used", "gas_used")}, "expected each once"),
        ({"label": Label(column="source", horizon_ns=1)}, "expected a column of numbers"),
        ({"label": Label(column="gas_used", formula="luck", horizon_ns=1)}, "formula: expected one of"),
        ({"folds": 3, "preparing": Preparing(normalize=Method.ROBUST)}, "folds: expected columns as they"),
    ],
)
def test_a_recipe_of_what_is_not_there_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(Refused, match=said):
        statement(msgspec.structs.replace(RECIPE, **change))


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("log_change", [math.log(2), math.log(2), None, None, None]),
        ("relative_change", [1.0, 1.0, None, 1.0, None]),
        ("difference", [2.0, 4.0, 1.0, -4.0, None]),
        ("value", [4.0, 8.0, 1.0, -8.0, None]),
        ("direction", [1.0, 1.0, 1.0, -1.0, None]),
    ],
)
def test_each_declared_formula_says_what_its_text_says(formula: str, said: list[float | None]) -> None:
    label = Label(column="base_fee_wei", formula=formula, horizon_ns=15, by="source")
    pairs = [2.0, 4.0, 4.0, 8.0, 0.0, 1.0, -4.0, -8.0, 1.0, math.nan]
    times = [at * 100 + beside for at in range(5) for beside in (0, 20)]
    groups = [str(at // 2) for at in range(10)]
    table = made(msgspec.structs.replace(RECIPE, label=label), rows(times, pairs, groups))
    assert table["label"].to_pylist()[::2] == pytest.approx(said)


def test_rows_of_an_embargo_are_in_no_part() -> None:
    times = [at * 10 for at in range(16)]
    recipe = msgspec.structs.replace(RECIPE, embargo_ns=15)
    parts = made(recipe, rows(times, [1.0] * 16, ["a"] * 16))["part"].to_pylist()
    assert parts == ["train"] * 7 + [None] * 3 + ["val"] + [None] * 3 + ["test"] + [None]


def test_a_fold_is_tested_on_rows_later_than_all_that_it_was_trained_on() -> None:
    times = [at * 10 for at in range(16)]
    recipe = msgspec.structs.replace(RECIPE, folds=4)
    table = made(recipe, rows(times, [1.0] * 16, ["a"] * 16))
    assert table["fold"].to_pylist() == [None] * 8 + [1, 1, 2, 2, 3, 3, 4, 4]
    train, tested = fold_rows(table, 2, embargo_ns=20)
    assert (train.tolist(), tested.tolist()) == (list(range(7)), [10, 11])
    with pytest.raises(Refused, match="it has no 5"):
        fold_rows(table, 5)


def test_columns_are_prepared_by_the_training_part_and_what_it_taught_is_kept() -> None:
    table = made(RECIPE, rows([at * 10 for at in range(16)], [1.0] * 16, ["a"] * 16))
    recipe = msgspec.structs.replace(
        RECIPE, preparing=Preparing(mark_missing=True, encode=Encoding.ORDINAL, normalize=Method.MINMAX)
    )
    scaled, fitted = prepared(recipe, table)
    assert scaled["gas_used"].to_pylist()[7] == 1.0
    assert scaled["gas_used_is_missing"].to_pylist() == [False] * 16
    assert scaled.drop_columns(["gas_used", "gas_used_is_missing"]) == table.drop_columns(["gas_used"])
    assert fitted is not None
    assert fitted.transform(table.select(["gas_used"]))["gas_used"] == scaled["gas_used"]
    assert prepared(RECIPE, table) == (table, None)
