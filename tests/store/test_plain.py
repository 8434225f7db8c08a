"""Is every number written so that its digits can be read back, and no more."""

from decimal import Context, Decimal

from hypothesis import given
from hypothesis import strategies as st

from tidemill.store.plain import decimal_text, e18_text


@given(st.integers(0, 10**38 - 1))
def test_a_number_of_18_places_is_written_exactly(value_e18):
    text = e18_text(value_e18)
    assert Context(prec=60).scaleb(Decimal(text), 18) == value_e18
    assert "." not in text or text[-1] not in "0."
    assert text == decimal_text(Context(prec=60).scaleb(Decimal(value_e18), -18))
