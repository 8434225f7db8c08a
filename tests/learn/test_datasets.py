"""A dataset's labels come from the first row after the horizon, and its parts know nothing of each other."""

import math

import pyarrow as pa
import pytest

from tidemill.learn.datasets import Label, Recipe, content, difference, made, statement
from tidemill.schema.faults import Refused

RECIPE = Recipe(
    table="block",
    columns=("gas_used",),
    start_ns=0,
    end_ns=1_000,
    label=Label(column="base_fee_wei", horizon_ns=10, by="source"),
    shares=(0.5, 0.25, 0.25),
)


def rows(times: list[int], values: list[float], groups: list[str]) -> pa.Table:
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
    recipe = Recipe(
        **{**{name: getattr(RECIPE, name) for name in RECIPE.__struct_fields__}, "shares": (1, 0, 0)}
    )
    assert content(made(recipe, whole)) == content(made(recipe, pieces))
    assert difference(made(recipe, whole), made(recipe, pieces)) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"table": "x; DROP TABLE block"}, "table: expected one of"),
        ({"columns": ("gas_used", "1 OR 1")}, "it has no 1 OR 1"),
        ({"label": Label(column="source", horizon_ns=1)}, "expected a column of numbers"),
    ],
)
def test_a_recipe_of_what_is_not_there_is_refused(change: dict[str, object], said: str) -> None:
    fields = {name: getattr(RECIPE, name) for name in RECIPE.__struct_fields__}
    with pytest.raises(Refused, match=said):
        statement(Recipe(**{**fields, **change}))  # type: ignore[arg-type]
