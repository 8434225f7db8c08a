"""Categories are those of the training rows, and what is absent is said to be."""

import numpy as np
import pyarrow as pa
import pytest

from tidemill.learn import DataPreparation
from tidemill.learn.datasets.categories import OTHER
from tidemill.schema.faults import Refused

TABLE = pa.table(
    {
        "event_ns": list(range(10)),
        "dex": ["sushi", "curve", None, "sushi", "curve", "sushi", "curve", "later", None, "sushi"],
        "size": [1.0, None, 3.0, float("nan"), 5.0, 6.0, 7.0, 8.0, 9.0, 10.0],
    }
)


def test_each_category_of_the_training_rows_has_a_column_and_later_ones_have_none() -> None:
    made = DataPreparation(train_size=0.7).encode(TABLE)
    assert made.column_names == ["event_ns", "dex=curve", "dex=sushi", "size"]
    assert made["dex=sushi"].to_pylist() == [1, 0, None, 1, 0, 1, 0, 0, None, 1]
    assert made["dex=curve"].to_pylist()[7] is False


def test_codes_are_places_among_the_training_rows_categories() -> None:
    made = DataPreparation(train_size=0.7).encode(TABLE, ["dex"], "ordinal")
    assert made["dex"].to_pylist() == [1, 0, None, 1, 0, 1, 0, OTHER, None, 1]


def test_later_rows_change_nothing_of_earlier_ones() -> None:
    table = TABLE.drop_columns(["size"])
    changed = table.set_column(1, "dex", pa.array([*TABLE["dex"].to_pylist()[:7], "aaa", "bbb", "ccc"]))
    for method in ("one_hot", "ordinal"):
        made = [DataPreparation(train_size=0.7).encode(one, method=method) for one in (table, changed)]
        assert made[0].slice(0, 7) == made[1].slice(0, 7)


def test_what_is_absent_is_marked_nan_too() -> None:
    made = DataPreparation().mark_missing(TABLE)
    assert made["dex_is_missing"].to_pylist() == [False, False, True, *[False] * 5, True, False]
    assert made["size_is_missing"].to_pylist() == [False, True, False, True, *[False] * 6]
    assert "event_ns_is_missing" not in made.column_names


def test_further_rows_go_through_the_same_steps_and_codes_are_not_scaled() -> None:
    prepared = DataPreparation(train_size=0.7)
    made = prepared.normalize(prepared.encode(prepared.mark_missing(TABLE), method="ordinal"), "minmax")
    assert made["dex"].to_pylist()[:2] == [1, 0]
    further = prepared.transform(TABLE.slice(7))
    assert further == made.slice(7)
    assert prepared.scaler is not None
    assert prepared.scaler.names == ["size"]


def test_pandas_and_polars_frames_are_encoded() -> None:
    made = DataPreparation(train_size=0.7).encode(TABLE.to_pandas())
    assert list(made.columns) == ["event_ns", "dex=curve", "dex=sushi", "size"]
    polars = pytest.importorskip("polars")
    assert DataPreparation().encode(polars.from_arrow(TABLE), method="ordinal")["dex"][0].as_py() is not None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"method": "hash"}, "expected one of one_hot, ordinal"),
        ({"columns": ["venue"]}, "expected the column venue"),
        ({"categories_max": 1}, "dex: expected 1 categories at most, found 2"),
    ],
)
def test_what_cannot_be_encoded_is_refused(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(Refused, match=said):
        DataPreparation(train_size=0.7).encode(TABLE, **arguments)  # type: ignore[arg-type]


def test_a_split_with_fewer_training_rows_than_the_categories_are_of_is_refused() -> None:
    prepared = DataPreparation(train_size=0.7)
    made = prepared.encode(TABLE)
    with pytest.raises(Refused, match="expected the 7 rows"):
        prepared.split_temporal(made, 0.5, 0.25, 0.25)
    assert len(prepared.split_temporal(made, 0.7, 0.1, 0.2).train) == 7
    with pytest.raises(Refused, match="before, found none"):
        DataPreparation().transform(np.ones((3, 2)))
