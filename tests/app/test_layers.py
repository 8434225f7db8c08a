"""Layering on the bus is told once, from both topics in their order."""

import asyncio
from decimal import Decimal
from typing import Any

from tidemill.app.venues.layers import LayerRun
from tidemill.bus import Bus, open_bus
from tidemill.bus.base import consumer_key, offset_value
from tidemill.process.whales.config import WhaleConfig
from tidemill.schema import derive
from tidemill.schema.events import BookCause, BookChange, BookSide, Side, Trade

from .until import until

COMMON: dict[str, Any] = {"source": "polymarket", "connection": "c", "instrument": "7"}


def change(sequence: int, price: int, size: int, at: int) -> BookChange:
    return BookChange(
        **COMMON,
        event_ns=at,
        recv_ns=at,
        sequence=sequence,
        row=0,
        cause=BookCause.CHANGE,
        side=BookSide.BID,
        price=Decimal(price) / 100,
        size=Decimal(size),
    )


async def test_layers_are_found_across_topics_and_told_once_after_a_restart() -> None:
    usual = [change(number, 10 + number, 10, 1) for number in range(24)]
    came = [change(30 + level, 40 + level, 90, 2) for level in range(3)]
    went = [change(40 + level, 40 + level, 0, 4) for level in range(3)]
    taken = Trade(
        **COMMON,
        event_ns=3,
        recv_ns=3,
        sequence=35,
        row=0,
        price=Decimal("0.8"),
        size=Decimal(5),
        taker_side=Side.BUY,
    )
    async with open_bus("memory://") as bus:
        await bus.commit([("trade", derive.to_batch([taken]))])
        await bus.commit([("book_change", derive.to_batch([*usual, *came, *went]))])
        for offset in (1, 2):
            task = asyncio.create_task(LayerRun(bus, WhaleConfig()).run(bus.commit))  # type: ignore[arg-type]
            await until(lambda offset=offset: is_read(bus, offset))
            task.cancel()
            await asyncio.wait([task])
            await bus.commit([("book_change", derive.to_batch([change(60, 90, 10, 9)]))])
        [entry] = await bus.read("whale_alert", 0, batches_max=9)
        [alert] = derive.to_rows("whale_alert", entry.batch)
        assert (alert["kind"], alert["token_id"], alert["sequence"]) == ("layering", "7", 42)


async def is_read(bus: Bus, offset: int) -> bool:
    return await bus.get(consumer_key("layers", "book_change")) == offset_value(offset)
