"""Trades with their wallets as the machine of whales takes them, and whom it watches."""

from decimal import Context, Decimal
from typing import NamedTuple

import pyarrow as pa

from tidemill.schema import derive
from tidemill.schema.events import Side, TradeRole


class Watched(NamedTuple):
    """What the registry says of a wallet whose trades are told."""

    pseudonym: str | None = None
    cluster: str | None = None
    """The group of wallets that act as one."""
    is_copied: bool = False


class Seen(NamedTuple):
    """One row of `wallet_trade`."""

    event_ns: int
    recv_ns: int
    source: str
    connection: str
    sequence: int
    row: int
    market: str | None
    token: str
    wallet: bytes
    side: Side
    role: TradeRole | None
    price: Decimal
    size: Decimal
    amount: Decimal
    """Price times size where it was not told."""
    tx_hash: bytes | None
    log_index: int | None
    counterparty: bytes | None
    pseudonym: str | None

    @property
    def order_key(self) -> bytes:
        """Names what its wallet does in its token on its side."""
        return self.wallet + self.side.encode() + b"/" + self.token.encode()

    @property
    def fill_key(self) -> bytes | None:
        """Names what its wallet did in its transaction; None where that was not told."""
        return None if self.tx_hash is None else self.tx_hash + self.order_key

    @property
    def trade_id(self) -> str:
        """Names it: transaction and log, or transaction and wallet where no log was told."""
        if self.tx_hash is None:
            return f"{self.connection}:{self.sequence}:{self.row}"
        if self.log_index is not None:
            return f"0x{self.tx_hash.hex()}:{self.log_index}"
        return f"0x{self.tx_hash.hex()}:0x{self.wallet.hex()}:{self.side}:{self.token}"


_NAMES = (
    "event_ns",
    "recv_ns",
    "source",
    "connection",
    "sequence",
    "row",
    "market",
    "instrument",
    "wallet",
    "side",
    "role",
    "price",
    "size",
    "amount",
    "tx_hash",
    "log_index",
    "counterparty",
    "pseudonym",
)


def seen_in(batch: pa.RecordBatch) -> list[Seen]:
    """Return the rows of a batch of `wallet_trade`, in order."""
    rows = derive.to_rows("wallet_trade", batch.select(_NAMES))
    return [_seen(row) for row in rows]


def _seen(row: dict[str, object]) -> Seen:
    told = dict(row)
    told["token"] = told.pop("instrument")
    told["side"] = Side(str(told["side"]))
    told["role"] = None if told["role"] is None else TradeRole(str(told["role"]))
    price, size = told["price"], told["size"]
    assert isinstance(price, Decimal)
    assert isinstance(size, Decimal)
    if told["amount"] is None:
        told["amount"] = rounded(price * size)
    return Seen(**told)  # pyright: ignore[reportArgumentType] the schema says what each is


def rounded(value: Decimal) -> Decimal:
    """Return a value with the 18 digits after the point that events have, rounded down in size."""
    return value.quantize(_DIGITS, "ROUND_DOWN", _EXACT)


_DIGITS = Decimal(1).scaleb(-18)
_EXACT = Context(prec=60)
"""A split names up to 10^18 shares, and has all digits after the point besides."""
