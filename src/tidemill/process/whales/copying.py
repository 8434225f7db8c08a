"""What would it have paid to follow a whale: its trades on paper, later, at the price that was known then."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import MsgspecError, Struct, msgpack

from tidemill.core.clock import NS_PER_MS
from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.positions import ZERO, Position
from tidemill.process.whales.seen import rounded
from tidemill.schema.events import CopyPrice, CopyStatus, Side, WhaleCopy
from tidemill.schema.faults import Malformed


class Known(Struct, frozen=True):
    """A price, and when it was told."""

    price: Decimal
    kind: CopyPrice
    event_ns: int
    recv_ns: int


class Waiting(Struct, frozen=True, array_like=True):
    """A trade of a whale that is to be followed."""

    trade_id: str
    source: str
    connection: str
    sequence: int
    wallet: bytes
    market: str | None
    token: str
    side: Side
    size: Decimal
    """What is to be bought or sold."""
    whale_price: Decimal
    event_ns: int
    due_ns: int


class CopyBook:
    """The paper positions that follow whales; reads neither clock nor network."""

    PREFIX = b"copies/"
    """Every key of its state starts with this."""

    def __init__(self, config: WhaleConfig) -> None:
        self._config = config
        self._waiting: dict[str, Waiting] = {}
        self._positions: dict[bytes, Position] = {}
        self._prices: dict[tuple[str, Side], Known] = {}
        """By token, and by who would take it."""
        self._state: dict[bytes, bytes | None] = {}

    def load(self, state: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up what an earlier run kept; where copying is off now, nothing waits. Raises: Malformed."""
        for key, value in state:
            kind, _, rest = key.removeprefix(self.PREFIX).partition(b"/")
            try:
                if kind == b"waiting" and not self._config.copy_enabled:
                    self._state[key] = None
                elif kind == b"waiting":
                    self._waiting[rest.decode()] = msgpack.decode(value, type=Waiting)
                elif kind == b"position":
                    self._positions[rest] = msgpack.decode(value, type=Position)
            except (MsgspecError, UnicodeDecodeError) as fault:
                raise Malformed(f"bus state {key!r}: cannot be read: {fault}") from fault

    @property
    def next_due_ns(self) -> int | None:
        """When the next price is to be taken; None where nothing waits."""
        return min((one.due_ns for one in self._waiting.values()), default=None)

    def follow(self, trade: Mapping[str, Any]) -> None:
        """Take a row of `whale_trade`; one of a whale that is not copied changes nothing."""
        if not (trade["is_copied"] and self._config.copy_enabled):
            return
        waiting = Waiting(
            trade_id=trade["trade_id"],
            source=trade["source"],
            connection=trade["connection"],
            sequence=trade["sequence"],
            wallet=trade["trader_address"],
            market=trade["market_id"],
            token=trade["token_id"],
            side=Side(trade["side"]),
            size=rounded(trade["size"] * self._config.copy_size_share),
            whale_price=trade["price"],
            event_ns=trade["event_ns"],
            due_ns=trade["detected_ns"] + self._config.copy_delay_ms * NS_PER_MS,
        )
        self._waiting[waiting.trade_id] = waiting
        self._state[self._waiting_key(waiting)] = msgpack.encode(waiting)

    def price(self, token: str, side: Side, known: Known) -> None:
        """Take the newest price at which `side` can be done."""
        self._prices[token, side] = known

    def advance(self, now_ns: int) -> list[WhaleCopy]:
        """Follow what is due at `now_ns`, the one due first before the others.

        Take prices up to each due time before this, and none that were told later.
        """
        due = sorted(
            (one for one in self._waiting.values() if one.due_ns <= now_ns), key=lambda one: one.due_ns
        )
        return [self._followed(one, now_ns) for one in due]

    def take(self) -> dict[bytes, bytes | None]:
        """Return the keys to set, or to delete where None, since the last call."""
        state, self._state = self._state, {}
        return state

    # --- one trade

    def _followed(self, one: Waiting, now_ns: int) -> WhaleCopy:
        del self._waiting[one.trade_id]
        self._state[self._waiting_key(one)] = None
        key = one.wallet + one.token.encode()
        before = self._positions.get(key, Position(ZERO, ZERO))
        size = one.size if one.side is Side.BUY else min(one.size, before.size)
        known = self._price_at(one)
        if not size:
            return self._told(one, CopyStatus.UNHELD, before, now_ns)
        if known is None:
            return self._told(one, CopyStatus.UNPRICED, before, now_ns)
        assert before.cost is not None  # it is of trades alone
        if one.side is Side.BUY:
            size = self._affordable(size, before.cost, known.price)
            if not size:
                return self._told(one, CopyStatus.LIMITED, before, now_ns)
        amount = rounded(size * known.price)
        gained = None
        if one.side is Side.BUY:
            after = Position(before.size + size, before.cost + amount, one.market)
        else:
            cost = before.cost if size == before.size else rounded(before.cost * size / before.size)
            gained = amount - cost
            after = Position(before.size - size, before.cost - cost, one.market)
        self._positions[key] = after
        self._state[self.PREFIX + b"position/" + key] = msgpack.encode(after)
        return self._told(one, CopyStatus.FILLED, after, now_ns, (size, known, gained))

    def _affordable(self, size: Decimal, cost: Decimal, price: Decimal) -> Decimal:
        """Return how much of `size` a position may take that cost so much already."""
        most = self._config.copy_cost_max
        if most is None or cost + size * price <= most:
            return size
        return rounded((most - cost) / price) if cost < most else ZERO

    def _price_at(self, one: Waiting) -> Known | None:
        """Return the price at the due time; None where none is fresh, and of after the trade."""
        known = self._prices.get((one.token, one.side))
        if known is None:
            return None
        is_fresh = one.due_ns - self._config.copy_price_age_max_ms * NS_PER_MS <= known.recv_ns <= one.due_ns
        is_later = known.kind is CopyPrice.TOP or known.event_ns > one.event_ns
        return known if is_fresh and is_later else None

    def _told(
        self,
        one: Waiting,
        status: CopyStatus,
        position: Position,
        now_ns: int,
        done: tuple[Decimal, Known, Decimal | None] | None = None,
    ) -> WhaleCopy:
        size, known, gained = done or (ZERO, None, None)
        return WhaleCopy(
            event_ns=one.due_ns,
            recv_ns=now_ns,
            detected_ns=now_ns,
            source=one.source,
            connection=one.connection,
            sequence=one.sequence,
            trader_address=one.wallet,
            market_id=one.market,
            token_id=one.token,
            trade_id=one.trade_id,
            status=status,
            side=one.side,
            size=size,
            price=known.price if known else None,
            price_kind=known.kind if known else None,
            price_ns=known.recv_ns if known else None,
            whale_price=one.whale_price,
            delay_ms=self._config.copy_delay_ms,
            position_size=position.size,
            average_price=position.average_price,
            realized_pnl=gained,
        )

    def _waiting_key(self, one: Waiting) -> bytes:
        return self.PREFIX + b"waiting/" + one.trade_id.encode()
