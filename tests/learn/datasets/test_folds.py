"""Folds and parts go forward in time, with a gap between them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import cross_val_score

from tidemill.learn.datasets.folds import WalkForward, parts_of
from tidemill.schema.faults import Refused


@given(count=st.integers(40, 500), folds=st.integers(1, 8), embargo_rows=st.integers(0, 15))
def test_every_fold_trains_on_what_was_over_before_the_embargo(
    count: int, folds: int, embargo_rows: int
) -> None:
    tested: list[int] = []
    for train, test in WalkForward(folds, embargo_rows).split(range(count)):
        assert train.tolist() == list(range(test[0] - embargo_rows))
        tested += test.tolist()
    assert tested == list(range(count // 2, count))


def test_scikit_learn_takes_the_folds() -> None:
    scores = cross_val_score(DummyRegressor(), np.zeros((50, 1)), np.arange(50.0), cv=WalkForward(3, 5))
    assert len(scores) == 3


@given(count=st.integers(20, 500), embargo_rows=st.integers(0, 2))
def test_parts_follow_each_other_with_an_embargo_before_each(count: int, embargo_rows: int) -> None:
    train, val, test = parts_of(count, (0.7, 0.15, 0.15), embargo_rows)
    assert val[0] - train[-1] == test[0] - val[-1] == embargo_rows + 1
    assert (train[0], test[-1]) == (0, count - 1)


@pytest.mark.parametrize("shares", [(0.7, 0.2, 0.2), (1.2, -0.1, -0.1)])
def test_shares_that_do_not_make_one_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(Refused, match="shares: expected"):
        parts_of(100, shares, 0)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(Refused, match="folds: expected enough rows"):
        list(WalkForward(5, 60).split(range(100)))
    with pytest.raises(Refused, match="val: expected a row at least"):
        parts_of(20, (0.7, 0.15, 0.15), 5)
