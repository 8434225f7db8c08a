"""Which events fulfil a condition, as a query of the store has it."""

import math

import pyarrow as pa
import pytest

from tidemill.serve.filters import conditions, matching


@pytest.mark.parametrize("how", ["<", "<=", ">", ">=", "=", "!="])
def test_what_is_not_a_number_is_in_no_order(how):
    batch = pa.record_batch({"profit_usd": pa.array([math.nan, 1.5, None, 2.5])})
    where = conditions("arbitrage", [f"profit_usd{how}1.5"], {})
    expected = {"<": [], "<=": [1], ">": [3], ">=": [1, 3], "=": [1], "!=": [0, 3]}
    assert list(matching("arbitrage", batch, where)[0]) == expected[how]
