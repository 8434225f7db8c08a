"""A made-up chain whose exchange fills orders, and a book of whales that follows it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
from msgspec import Struct
from tests.rust.orders import EXCHANGE, MAKER, TAKER, UNIT, Emitted, filled_v2, head, logs_of

from tidemill._rust import Head, Logs
from tidemill.process.whales.book import Settling, Told, WhaleBook
from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.seen import Watched
from tidemill.process.whales.shares import ShareLogs
from tidemill.schema import derive
from tidemill.schema.events import Side, WalletTrade

COLLATERAL = b"\xc0" * 20
SHARES, ADAPTER = b"\xc1" * 20, b"\xc2" * 20
SETTLING = Settling(
    "polygon",
    137,
    {EXCHANGE: "ctf_exchange_v2"},
    frozenset({COLLATERAL}),
    frozenset({EXCHANGE}),
    ShareLogs(frozenset({SHARES}), frozenset({ADAPTER})),
)
S = 1_000_000_000
START_S = 1_700_000_000


class Chain:
    """Blocks of two seconds, and what the book told of them."""

    def __init__(self, config: WhaleConfig | None = None, *, watched: Sequence[bytes] = (TAKER,)) -> None:
        self.config = config or WhaleConfig()
        self.book = self.opened()
        self.book.watch({wallet: Watched() for wallet in watched})
        self.number = 0
        self.branch = 0
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.state: dict[bytes, bytes] = {}
        self.sealed: list[tuple[Head, Logs]] = []
        self.sequence = 0

    def opened(self) -> WhaleBook:
        """Return a book that knows nothing."""
        return WhaleBook(SETTLING, self.config, 16)

    def restart(self) -> None:
        """Go on with another book, from what the last one kept."""
        watched = self.book.watched
        self.book = self.opened()
        self.book.load(self.state)
        self.book.watch(watched)

    def block(self, *emitted: Emitted | tuple[bytes, Emitted], after_s: int = 2) -> None:
        """Seal a block with these logs, each in a transaction of its own where none is given."""
        self.number += 1
        before = self.sealed[-1][0].timestamp_s if self.sealed else START_S
        sealed = head(self.number, self.branch, before + after_s)
        told = [
            (bytes([self.branch, index]) + self.number.to_bytes(30, "big"), one) if len(one) == 3 else one
            for index, one in enumerate(emitted)
        ]
        logs = logs_of(sealed, told)
        self.sealed.append((sealed, logs))
        self.book.seal([sealed], logs, [sealed.timestamp_s * S + 5], sealed.timestamp_s * S + 9)
        self._take()

    def revert(self) -> tuple[Head, Logs]:
        """Take the newest block back, and return it."""
        gone, logs = self.sealed.pop()
        self.number -= 1
        self.sequence += 1
        self.book.revert(gone, 1, self.sequence, 2)
        self._take()
        return gone, logs

    def restore(self, gone: Head, logs: Logs, new_log_indexes: Sequence[int] = ()) -> None:
        """Bring a reverted block back, with logs that it lacked before."""
        self.sealed.append((gone, logs))
        self.number += 1
        self.sequence += 1
        self.book.restore(gone, logs, (1, 2), (self.sequence, new_log_indexes))
        self._take()

    def hear(self, *events: Struct) -> None:
        """Take what a venue tells."""
        self.book.told(derive.to_batch(events), 3)
        self._take()

    def of(self, tag: str) -> list[dict[str, Any]]:
        """Return the rows told of a kind."""
        return [row for kind, row in self.told if kind == tag]

    def forget(self) -> None:
        """Look at what comes from now on only."""
        self.told.clear()

    def _take(self) -> None:
        taken: Told = self.book.take()
        assert not taken.faults
        for tag, batch in [*taken.trades, *taken.whales]:
            rows = derive.to_rows(tag, pa.Table.from_batches([batch]))
            self.told += [(tag, row) for row in rows]
        for key, value in taken.state.items():
            if value is None:
                self.state.pop(key, None)
            else:
                self.state[key] = value


def bought(size: int = 100, price_percent: int = 50, **more: Any) -> Emitted:
    """Return the taker's fill of a buy, of whole shares."""
    amount = size * price_percent * UNIT // 100
    return filled_v2(
        more.pop("wallet", TAKER), EXCHANGE, is_buy=True, size=size * UNIT, amount=amount, **more
    )


def sold(size: int = 100, price_percent: int = 50, **more: Any) -> Emitted:
    """Return the same of a sale."""
    amount = size * price_percent * UNIT // 100
    return filled_v2(
        more.pop("wallet", TAKER), EXCHANGE, is_buy=False, size=size * UNIT, amount=amount, **more
    )


def made(wallet: bytes, counterparty: bytes, *, is_buy: bool, size: int = 1_000) -> Emitted:
    """Return a maker's fill at 0.5."""
    return filled_v2(wallet, counterparty, is_buy=is_buy, size=size * UNIT, amount=size * UNIT // 2)


def match_of(tx: bytes | None, token: int, size: str = "100", **more: Any) -> WalletTrade:
    """Return what a venue says of a trade of the taker."""
    fields: dict[str, Any] = {
        "event_ns": (START_S + 1) * S,
        "recv_ns": 1,
        "source": "polymarket",
        "connection": "c1",
        "sequence": 1,
        "row": 0,
        "channel": "trades",
        "instrument": str(token),
        "wallet": TAKER,
        "side": Side.BUY,
        "price": Decimal("0.5"),
        "size": Decimal(size),
        "tx_hash": tx,
    }
    return WalletTrade(**{**fields, **more})


__all__ = ["COLLATERAL", "MAKER", "START_S", "Chain", "S", "bought", "made", "match_of", "sold"]
