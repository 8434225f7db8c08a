"""How is what happened to books told as events: rows with their message's number, exact prices, one time."""

from collections.abc import Iterable, Iterator
from decimal import Context, Decimal
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from tidemill.schema.events import (
    BookCause,
    BookChange,
    BookSide,
    BookSnapshot,
    Coverage,
    CoverageStatus,
    Health,
    HealthState,
    Proof,
    Side,
    Trade,
)
from tidemill.schema.faults import Malformed
from tidemill.venues.sei.books import Effect, Place
from tidemill.venues.sei.meaning import Matched

_EXACT = Context(prec=60)
_TRADES_KEPT = 65_536
_SIDES = {BookSide.BID: Side.BUY, BookSide.ASK: Side.SELL}


class Void(NamedTuple):
    """A book is void until it is told whole again."""

    instrument: str
    why: str
    event_ns: int
    recv_ns: int
    connection: str
    sequence: int


Told: TypeAlias = Struct | Void


class When(NamedTuple):
    """Of what, and when it was told."""

    event_ns: int
    recv_ns: int
    tx_hash: bytes | None = None


class Teller:
    """Numbers the messages of one run."""

    def __init__(self, source: str, run_id: str) -> None:
        self.source = source
        self.run_id = run_id
        self.sequence = 0
        self.faults: list[Malformed] = []
        """Trades that were told twice."""
        self._trade_ids: dict[tuple[str, str], None] = {}

    def effects(self, effects: dict[str, Effect], when: When, *, with_trades: bool) -> Iterator[Told]:
        """Yield what one transaction did, instrument by instrument."""
        for instrument, effect in effects.items():
            yield from self._effect(instrument, effect, when, with_trades=with_trades)

    def whole(self, instrument: str, levels: dict[Place, int], when: When) -> Iterator[Told]:
        """Yield a whole book."""
        effect = Effect(levels=levels, is_whole=True)
        yield from self._effect(instrument, effect, when, with_trades=False)

    def void(self, instrument: str, why: str, when: When) -> Void:
        """Return that a book is void."""
        self.sequence += 1
        return Void(instrument, why, when.event_ns, when.recv_ns, self.run_id, self.sequence)

    def covered(
        self, heights: tuple[int, int], status: CoverageStatus, log_count: int, cause: str, when: When
    ) -> Coverage:
        """Return what is known of some blocks, the first and the last one included."""
        self.sequence += 1
        return Coverage(
            event_ns=when.event_ns,
            recv_ns=when.recv_ns,
            source=self.source,
            connection=self.run_id,
            sequence=self.sequence,
            from_block=heights[0],
            to_block=heights[1],
            status=status,
            proof=Proof.NONE if status is CoverageStatus.GAP else Proof.CLAIMED,
            log_count=log_count,
            cause=cause,
        )

    def health(self, endpoint: str, state: HealthState, detail: str, now_ns: int) -> Health:
        """Return how an endpoint fares."""
        self.sequence += 1
        return Health(
            event_ns=now_ns,
            recv_ns=now_ns,
            source=self.source,
            connection=self.run_id,
            sequence=self.sequence,
            endpoint=endpoint,
            state=state,
            detail=detail,
        )

    def _effect(self, instrument: str, effect: Effect, when: When, *, with_trades: bool) -> Iterator[Told]:
        self.sequence += 1
        trades = list(self._trades(instrument, effect.trades, when)) if with_trades else []
        yield from trades
        if effect.void:
            yield self.void(instrument, effect.void, when)
            return
        if effect.is_whole:
            yield self._snapshot(instrument, effect, when)
        yield from self._changes(instrument, effect, when)

    def _snapshot(self, instrument: str, effect: Effect, when: When) -> BookSnapshot:
        bids = sum(side is BookSide.BID for side, _ in effect.levels)
        return BookSnapshot(
            event_ns=when.event_ns,
            recv_ns=when.recv_ns,
            source=self.source,
            connection=self.run_id,
            sequence=self.sequence,
            instrument=instrument,
            bid_count=bids,
            ask_count=len(effect.levels) - bids,
            last_update=effect.sequence,
        )

    def _changes(self, instrument: str, effect: Effect, when: When) -> Iterator[BookChange]:
        cause = BookCause.SNAPSHOT if effect.is_whole else BookCause.CHANGE
        for row, ((side, price_e18), size_e18) in enumerate(effect.levels.items()):
            yield BookChange(
                event_ns=when.event_ns,
                recv_ns=when.recv_ns,
                source=self.source,
                connection=self.run_id,
                sequence=self.sequence,
                row=row,
                instrument=instrument,
                cause=cause,
                side=side,
                price=_decimal(price_e18),
                size=_decimal(size_e18),
            )

    def _trades(self, instrument: str, trades: Iterable[Matched], when: When) -> Iterator[Trade]:
        for row, trade in enumerate(trades):
            if trade.trade_id is not None and self._is_known(instrument, trade.trade_id):
                continue
            yield Trade(
                event_ns=when.event_ns if trade.event_ns is None else trade.event_ns,
                recv_ns=when.recv_ns,
                source=self.source,
                connection=self.run_id,
                sequence=self.sequence,
                row=row,
                instrument=instrument,
                price=_decimal(trade.price_e18),
                size=_decimal(trade.size_e18),
                taker_side=None if trade.taker_side is None else _SIDES[trade.taker_side],
                trade_id=trade.trade_id,
                tx_hash=when.tx_hash,
            )

    def _is_known(self, instrument: str, trade_id: str) -> bool:
        key = (instrument, trade_id)
        if key in self._trade_ids:
            self.faults.append(
                Malformed(f"{instrument}: expected a new trade, found {trade_id[:80]!r} again")
            )
            return True
        self._trade_ids[key] = None
        if len(self._trade_ids) > _TRADES_KEPT:
            del self._trade_ids[next(iter(self._trade_ids))]
        return False


def _decimal(value_e18: int) -> Decimal:
    return Decimal(value_e18).scaleb(-18, _EXACT)
