"""What is prepared knows nothing of later parts, and a leak that is planted is found."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from tidemill.learn.datasets.folds import WalkForward
from tidemill.learn.datasets.leaks import columns_that_look_ahead
from tidemill.learn.datasets.preparation import DataPreparation
from tidemill.learn.datasets.scaling import Method
from tidemill.learn.datasets.transformer import ColumnScaler
from tidemill.schema.faults import Malformed, Refused

ROWS = np.random.default_rng(3).normal(5, 2, (100, 3))


def test_the_scale_is_that_of_the_training_rows() -> None:
    scaled = DataPreparation().normalize(ROWS)
    np.testing.assert_allclose(scaled[:70].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled[:70].std(axis=0), 1)
    minmax = DataPreparation().normalize(ROWS, method="minmax")
    assert (minmax[:70].min(), minmax[:70].max()) == (0, 1)
    robust = DataPreparation().normalize(ROWS, method="robust")
    np.testing.assert_allclose(np.median(robust[:70], axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("handle_outliers", [False, True])
def test_normalising_does_not_look_ahead(method: Method, handle_outliers: bool) -> None:
    def of_a_fixed_training_part(rows: np.ndarray) -> np.ndarray:
        return DataPreparation(train_size=70 / len(rows)).normalize(rows, method, handle_outliers)

    assert columns_that_look_ahead(of_a_fixed_training_part, ROWS, 70) == []


def test_a_leak_that_is_planted_is_found() -> None:
    def leaking(rows: np.ndarray) -> np.ndarray:
        last = rows[:, 0]
        of_all = (last - last.mean()) / last.std()
        centred = np.convolve(last, np.ones(3) / 3, mode="same")
        following = np.append(last[1:], np.nan)
        return np.column_stack((last, of_all, np.cumsum(last), centred, following))

    assert columns_that_look_ahead(leaking, ROWS, 70) == [1, 3, 4]


def test_outliers_are_cut_where_that_is_asked_and_only_then() -> None:
    rows = ROWS.copy()
    rows[10, 0] = 1e9
    assert DataPreparation().normalize(rows, "robust", handle_outliers=True)[10, 0] < 5
    assert DataPreparation().normalize(rows, "robust")[10, 0] > 1e6


def test_what_is_absent_stays_absent_and_times_and_words_stay_as_they_are() -> None:
    table = pa.table({"event_ns": [1, 2, 3, 4], "gas": [1.0, None, 3.0, 5.0], "chain": ["a", "b", "a", "b"]})
    scaled = DataPreparation(train_size=0.75).normalize(table)
    assert scaled["event_ns"].to_pylist() == [1, 2, 3, 4]
    assert scaled["chain"].to_pylist() == ["a", "b", "a", "b"]
    assert scaled["gas"].to_pylist() == [-1.0, None, 1.0, 3.0]


@pytest.mark.parametrize("method", list(Method))
def test_a_column_of_one_value_keeps_its_scale(method: Method) -> None:
    prepared = DataPreparation(train_size=1)
    prepared.normalize(np.full((1_000, 1), 0.1), method)
    assert prepared.transform(np.array([[0.2]]))[0, 0] == pytest.approx(0.1)


def test_a_pandas_frame_comes_back_as_one() -> None:
    frame = pd.DataFrame({"gas": [1.0, 3.0, 5.0, 7.0]})
    prepared = DataPreparation(train_size=0.5)
    assert prepared.normalize(frame)["gas"].tolist() == [-1, 1, 3, 5]
    assert prepared.transform(pd.DataFrame({"gas": [9.0]}))["gas"].tolist() == [7]


def test_parts_are_in_the_order_of_time_with_an_embargo() -> None:
    train, val, test = DataPreparation(embargo_rows=3).split_temporal(
        pa.table({"event_ns": range(100)}), train_size=0.7, val_size=0.15, test_size=0.15
    )
    assert (train["event_ns"][-1].as_py(), val["event_ns"][0].as_py()) == (69, 73)
    assert (val["event_ns"][-1].as_py(), test["event_ns"][0].as_py()) == (84, 88)


def test_a_training_part_smaller_than_what_the_scale_was_made_of_is_refused() -> None:
    prepared = DataPreparation()
    scaled = prepared.normalize(ROWS)
    with pytest.raises(Refused, match="expected the 70 rows the scale was made of"):
        prepared.split_temporal(scaled, train_size=0.5, val_size=0.25, test_size=0.25)


@pytest.mark.parametrize(
    ("data", "method", "said"),
    [
        (pa.table({"event_ns": [2, 1], "gas": [1.0, 2.0]}), "standard", "one that goes back"),
        (np.array([[1.0], [np.inf], [2.0]]), "standard", "an infinite one"),
        (np.zeros((4, 1)), "log", "method: expected one of"),
        (np.zeros(4), "standard", "expected rows and columns"),
        (pa.table({"chain": ["a", "b"]}), "standard", "expected a column of numbers"),
    ],
)
def test_what_cannot_be_prepared_is_refused(data: object, method: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        DataPreparation(train_size=0.9).normalize(data, method)


@given(method=st.sampled_from(Method), handle_outliers=st.booleans())
def test_scaling_back_gives_the_values(method: Method, handle_outliers: bool) -> None:
    prepared = DataPreparation()
    scaled = prepared.normalize(ROWS, method, handle_outliers)
    assert prepared.scaler is not None
    np.testing.assert_allclose(prepared.scaler.inverse_transform(scaled), ROWS)


def test_scikit_learn_takes_the_scaler() -> None:
    pipeline = make_pipeline(ColumnScaler("robust", handle_outliers=True), Ridge())
    scores = cross_val_score(pipeline, ROWS[:, 1:], ROWS[:, 1] * 2, cv=WalkForward(3, 5))
    assert min(scores) > 0.99
    check_estimator(ColumnScaler(), on_skip=None)


def test_a_preparation_that_was_saved_takes_further_rows_the_same_way(tmp_path: Path) -> None:
    table = pa.table({"event_ns": range(40), "gas": [float(at) for at in range(40)], "dex": ["a", "b"] * 20})
    prepared = DataPreparation(train_size=0.7, embargo_rows=2)
    made = prepared.normalize(prepared.encode(prepared.mark_missing(table)), "robust", handle_outliers=True)
    loaded = DataPreparation.load(prepared.save(tmp_path / "preparation.json"))
    assert loaded.fitted == prepared.fitted
    assert loaded.transform(table) == made
    assert len(loaded.split_temporal(made).val) == len(prepared.split_temporal(made).val)
    (tmp_path / "preparation.json").write_text('{"train_size": 0.7, "steps": ["fly"]}')
    with pytest.raises(Malformed, match="expected Fitted as JSON"):
        DataPreparation.load(tmp_path / "preparation.json")
