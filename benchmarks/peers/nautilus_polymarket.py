"""Read Polymarket's changes with nautilus_trader, run by its own interpreter: JSON in, JSON out.

In:  {"frames": [..], "market", "token", "rounds"}: price changes of one token, some in each frame.
Out: {"version", "per_s", "deltas"}: deltas a second of processor time, and those of one round.
"""

import importlib.metadata
import json
import sys
import time
from typing import Any

import msgspec
from nautilus_trader.adapters.polymarket.common.symbol import get_polymarket_instrument_id
from nautilus_trader.adapters.polymarket.schemas.book import PolymarketQuotes
from nautilus_trader.model.currencies import USDC_POS
from nautilus_trader.model.enums import AssetClass
from nautilus_trader.model.identifiers import Symbol
from nautilus_trader.model.instruments import BinaryOption
from nautilus_trader.model.objects import Price, Quantity


def instrument_of(market: str, token: str) -> Any:
    """Return the token as nautilus_trader has it."""
    return BinaryOption(
        instrument_id=get_polymarket_instrument_id(market, token),
        raw_symbol=Symbol(token),
        asset_class=AssetClass.ALTERNATIVE,
        currency=USDC_POS,
        price_precision=2,
        price_increment=Price.from_str("0.01"),
        size_precision=6,
        size_increment=Quantity.from_str("0.000001"),
        activation_ns=0,
        expiration_ns=0,
        ts_event=0,
        ts_init=0,
    )


def main() -> None:
    """Do the work of standard input."""
    work = json.load(sys.stdin)
    instrument = instrument_of(work["market"], work["token"])
    frames = [frame.encode() for frame in work["frames"]]
    decoder = msgspec.json.Decoder(PolymarketQuotes)
    best, deltas = 0.0, 0
    for _ in range(work["rounds"]):
        deltas = 0
        started = time.process_time()
        for frame in frames:
            message = decoder.decode(frame)
            deltas += len(message.parse_to_deltas(instrument, 1).deltas)
        best = max(best, deltas / (time.process_time() - started))
    version = importlib.metadata.version("nautilus_trader")
    json.dump({"version": version, "per_s": best, "deltas": deltas}, sys.stdout)


main()
