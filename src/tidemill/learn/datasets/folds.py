"""How is a series parted so that no part knows of a later one: in time, with a gap between them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidemill.schema.faults import Refused

Rows = NDArray[np.int64]


class WalkForward:
    """Folds that train on all rows before those they test, `embargo_rows` left out in between.

    A splitter as scikit-learn's `cross_val_score(cv=…)` and `GridSearchCV(cv=…)` take one.
    """

    def __init__(self, folds: int = 5, embargo_rows: int = 0, first_share: float = 0.5) -> None:
        """Test the rows after the `first_share` of all, in `folds` equal parts. Raises: Refused."""
        if folds < 1 or embargo_rows < 0 or not 0 < first_share < 1:
            raise Refused(
                "folds: expected one or more, an embargo of 0 rows or more, a first share between 0 and 1, "
                f"found {folds}, {embargo_rows}, {first_share}"
            )
        self._folds, self._embargo_rows, self._first_share = folds, embargo_rows, first_share

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return how many folds there are."""
        return self._folds

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:
        """Yield the rows to train on and those to test, of rows in the order of time. Raises: Refused."""
        count = len(X)
        first = int(count * self._first_share)
        if first <= self._embargo_rows or count - first < self._folds:
            raise Refused(
                f"folds: expected enough rows for {self._folds} after an embargo of {self._embargo_rows}, "
                f"found {count}"
            )
        for rows in np.array_split(np.arange(first, count), self._folds):
            yield np.arange(rows[0] - self._embargo_rows), rows


class Parts(NamedTuple):
    """Rows to train on, to choose with, and to test once; all ascending, each part after the one before."""

    train: Rows
    val: Rows
    test: Rows


def parts_of(count: int, shares: tuple[float, float, float], embargo_rows: int) -> Parts:
    """Return `count` rows parted by `shares`; the first `embargo_rows` of the two later parts are left out.

    Raises: Refused, where shares are not three numbers that make 1, or a part would be empty.
    """
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise Refused(f"shares: expected three numbers from 0 that make 1, found {shares}")
    first, second = round(count * shares[0]), round(count * (shares[0] + shares[1]))
    parts = Parts(
        np.arange(first), np.arange(first + embargo_rows, second), np.arange(second + embargo_rows, count)
    )
    for name, rows, share in zip(Parts._fields, parts, shares, strict=True):
        if share > 0 and len(rows) == 0:
            raise Refused(f"{name}: expected a row at least, found none of {count}, embargo {embargo_rows}")
    return parts
