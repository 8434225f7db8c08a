"""Does a preparation look ahead: do rows change when what comes after them does?"""

from collections.abc import Callable

import numpy as np

from tidemill.learn.arrays import Floats


def columns_that_look_ahead(make: Callable[[Floats], Floats], rows: Floats, keep_rows: int) -> list[int]:
    """Return which columns that `make` gives of the first `keep_rows` rows depend on later rows.

    `make` takes float64[n, columns] in the order of time and gives float64[n, anything]. Later rows are once
    left out and once replaced; a label looks ahead by what it is, and is not to be among the columns.
    """
    kept = make(rows)[:keep_rows]
    replaced = rows.copy()
    replaced[keep_rows:] = rows[keep_rows:] * -3 + 7
    others = (make(rows[:keep_rows]), make(replaced)[:keep_rows])
    is_same = [np.all((kept == other) | (np.isnan(kept) & np.isnan(other)), axis=0) for other in others]
    return np.flatnonzero(~(is_same[0] & is_same[1])).tolist()
