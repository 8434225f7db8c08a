"""Are the newest ticks kept, in whatever order they come, and is nothing told without those that count."""

from decimal import Decimal

from tidemill.process.settlement import ReferencePrices, UpDown
from tidemill.schema.events import ReferencePrice


def _tick(event_ns: int, price: int) -> ReferencePrice:
    return ReferencePrice(
        event_ns=event_ns,
        recv_ns=event_ns,
        source="polymarket",
        connection="one",
        sequence=event_ns,
        row=0,
        channel="crypto_prices",
        instrument="btcusdt",
        price=Decimal(price),
    )


def test_a_tick_that_comes_late_takes_no_newer_one_s_place() -> None:
    prices = ReferencePrices(ticks_max=2)
    for event_ns in (5, 6, 1, 2):
        prices.take(_tick(event_ns, event_ns))
    assert prices.outcome(5, 6) is UpDown.UP
    assert prices.outcome(1, 6) is None


def test_a_tick_that_is_told_again_counts_as_it_was_told_last() -> None:
    prices = ReferencePrices(ticks_max=2)
    for event_ns, price in ((5, 7), (6, 8), (6, 6)):
        prices.take(_tick(event_ns, price))
    assert prices.outcome(5, 6) is UpDown.DOWN
