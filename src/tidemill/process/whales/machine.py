"""What do trades with wallets say of whales: a pure step from trades to what is told of them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from tidemill.core.clock import NS_PER_S
from tidemill.process.whales import orders, positions, settlement, spikes, wash
from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.journal import Journal
from tidemill.process.whales.linking import Funded, Funder, linked
from tidemill.process.whales.orders import Order, Usual
from tidemill.process.whales.positions import ZERO, Dealt, Moved, Position
from tidemill.process.whales.seen import Seen, Watched, rounded
from tidemill.process.whales.sends import Converted, Sent
from tidemill.process.whales.settlement import Fill, Known
from tidemill.process.whales.shares import Exchanged, Redeemed, ShareMove
from tidemill.process.whales.spikes import Prices
from tidemill.process.whales.telling import Telling
from tidemill.process.whales.wash import Pair
from tidemill.schema.events import (
    AlertKind,
    SettlementState,
    Side,
    TradeRole,
    WhaleOrderStatus,
    WhaleReason,
)

KINDS: dict[str, type[Struct]] = {
    "order": Order,
    "usual": Usual,
    "position": Position,
    "fill": Fill,
    "known": Known,
    "funder": Funder,
    "funded": Funded,
    "pair": Pair,
    "prices": Prices,
}
"""What is kept."""
_TOKENS_MAX = 50_000
"""Tokens of which prices and usual amounts are kept; the one traded longest ago makes room."""


class WhaleMachine:
    """What is known of whales, in a journal."""

    def __init__(self, journal: Journal, config: WhaleConfig) -> None:
        self.journal = journal
        self.config = config
        self.watched: Mapping[bytes, Watched] = {}
        """The wallets that the registry has told, by address."""
        self._settled_ns: int | None = None
        """The time of the newest block in this run."""

    def settle(self, trades: Sequence[Seen], telling: Telling, shares: Sequence[ShareMove] = ()) -> None:
        """Take trades that are settled, and what else moved shares, of one block, each in order."""
        self._settled_ns = telling.mark.event_ns
        self._close_orders(telling)
        for ghost in settlement.ghosts(self.journal, telling.mark.event_ns, self.config):
            telling.settlement(ghost, SettlementState.GHOST)
        wash.forget(self.journal, telling.mark.event_ns, self.config)
        changed: dict[bytes, Seen] = {}
        moves: dict[bytes, Moved] = {}
        settled: dict[str, Fill] = {}
        filled = {(seen.tx_hash, seen.wallet, seen.token) for seen in trades}
        for seen in _in_order(trades, shares):
            match seen:
                case Seen():
                    pass
                case Sent():
                    self._sent(seen, filled, moves)
                    continue
                case Converted():
                    self._converted(seen, moves)
                    continue
                case _:
                    self._shares(seen, moves)
                    continue
            if self._order(seen, telling, settled):
                changed[seen.order_key] = seen
            self._position(seen, moves)
            self._alerts(seen, telling)
        for fill in settled.values():
            telling.settlement(fill, SettlementState.SETTLED)
        for key, seen in changed.items():
            order = self.journal.get(Order, key)
            assert order is not None
            telling.order(seen.wallet, (seen.side, seen.token), order, WhaleOrderStatus.OPEN)
        for key, move in moves.items():
            telling.position(key[:20], key[20:].decode(), move, move.change)
        self._forget()

    def match(self, trades: Sequence[Seen], telling: Telling) -> None:
        """Take trades that a venue tells before its chain settles them: those of watched wallets are told.

        One that is so old that it would be a ghost is history, and not told.
        """
        ghost_ns = self.config.ghost_after_s * NS_PER_S
        for seen in trades:
            if self._settled_ns is not None and seen.event_ns + ghost_ns < self._settled_ns:
                continue
            watched = self.watched.get(seen.wallet)
            if watched is None or settlement.matched(self.journal, seen) is None:
                continue
            order = orders.joined(self.journal, seen)
            order = orders.judged(self.journal, order, seen, self.config, is_watched=True)
            telling.trade(seen, order, SettlementState.MATCHED, watched)

    # --- one trade

    def _order(self, seen: Seen, telling: Telling, settled: dict[str, Fill]) -> bool:
        """Join a trade to its order; say whether that is told."""
        watched = self.watched.get(seen.wallet)
        order = orders.joined(self.journal, seen)
        order = orders.judged(self.journal, order, seen, self.config, is_watched=watched is not None)
        self.journal.put(seen.order_key, order)
        if order.reason is None and not settlement.is_told(self.journal, seen):
            return False
        fill = settlement.settled(self.journal, seen)
        if fill.is_matched_first:
            settled[fill.trade_id] = fill
        elif order.reason is not None:
            telling.trade(seen, order, SettlementState.SETTLED, watched)
        return order.reason is not None

    def _position(self, seen: Seen, moves: dict[bytes, Moved]) -> None:
        """Move the position of a whale; who became one by a large order stays one until that is closed."""
        key = seen.wallet + seen.token.encode()
        known = self.journal.get(Position, key)
        order = self.journal.get(Order, seen.order_key)
        if known is None and (order is None or order.reason is None):
            return
        reason = order.reason if order else None
        self._move(key, reason, Dealt(seen.market, seen.side, seen.size, seen.amount), moves)

    def _move(self, key: bytes, reason: WhaleReason | None, dealt: Dealt, moves: dict[bytes, Moved]) -> None:
        known = self.journal.get(Position, key)
        moved = positions.moved(known or Position(ZERO, ZERO, reason=reason), dealt)
        if moved.after.size:
            self.journal.put(key, moved.after)
        elif known is not None:
            self.journal.drop(Position, key)
        if key[:20] not in self.watched and moved.after.reason is not WhaleReason.LARGE:
            return  # it is not to be told any more; what it holds is known if it is to be again
        moves[key] = positions.together(moves.get(key), moved)

    def _shares(self, move: Exchanged | Redeemed, moves: dict[bytes, Moved]) -> None:
        """Move the positions of who split, merged or redeemed; each outcome's share costs the same."""
        keys = [move.wallet + token.encode() for token in move.tokens]
        known = {key: self.journal.get(Position, key) for key in keys}
        reason = WhaleReason.REGISTERED if move.wallet in self.watched else None
        if reason is None and not any(known.values()):
            return
        if isinstance(move, Exchanged):
            amount = rounded(move.size / len(keys))
            for key in keys:
                if reason is not None or known[key] is not None:
                    self._move(key, reason, Dealt(move.market, move.side, move.size, amount), moves)
            return
        held = {key: position.size for key, position in known.items() if position is not None}
        if move.sizes is not None:
            held = {key: size for key, size in zip(keys, move.sizes, strict=True) if key in held and size}
        winners = [key for key, size in held.items() if len(held) == 1 or size == move.payout]
        for key, size in held.items():
            amount = None if len(winners) != 1 else move.payout if key in winners else ZERO
            self._move(key, reason, Dealt(move.market, Side.SELL, size, amount), moves)

    def _sent(
        self, sent: Sent, filled: set[tuple[bytes | None, bytes, str]], moves: dict[bytes, Moved]
    ) -> None:
        """Move what one wallet gave another, with what it cost where that is known; fills tell their own."""
        for token, size in sent.sizes:
            if any((sent.tx_hash, wallet, token) in filled for wallet in (sent.sender, sent.receiver)):
                continue
            giving, taking = (wallet + token.encode() for wallet in (sent.sender, sent.receiver))
            known = self.journal.get(Position, giving)
            market, cost = (None, None) if known is None else (known.market, known.cost_of(size))
            self._carry(giving, Dealt(market, Side.SELL, size, None), moves)
            self._carry(taking, Dealt(market, Side.BUY, size, cost), moves)

    def _converted(self, move: Converted, moves: dict[bytes, Moved]) -> None:
        """Move what a conversion gave and took: what it paid gives back the cost, and is gained beyond it.

        The rest of the cost is that of the shares that came, each the same.
        """
        given = {move.wallet + token.encode(): size for token, size in move.given}
        costs = {key: self._cost(key, size) for key, size in given.items()}
        known = [cost for cost in costs.values() if cost is not None]
        total = sum(known, ZERO) if len(known) == len(costs) else None
        gained = left = None
        if total is not None and move.paid is not None:
            gained, left = max(move.paid - total, ZERO), max(total - move.paid, ZERO)
        for key, size in given.items():
            cost = costs[key]
            amount = None if gained is None or cost is None else cost + rounded(gained / len(given))
            self._carry(key, Dealt(None, Side.SELL, size, amount), moves)
        for token, size in move.got:
            amount = None if left is None else rounded(left / len(move.got))
            self._carry(move.wallet + token.encode(), Dealt(None, Side.BUY, size, amount), moves)

    def _carry(self, key: bytes, dealt: Dealt, moves: dict[bytes, Moved]) -> None:
        """Move the position of a wallet that is watched, or of a position that is known."""
        reason = WhaleReason.REGISTERED if key[:20] in self.watched else None
        if dealt.size and (reason is not None or self.journal.get(Position, key) is not None):
            self._move(key, reason, dealt, moves)

    def _cost(self, key: bytes, size: Decimal) -> Decimal | None:
        known = self.journal.get(Position, key)
        return None if known is None else known.cost_of(size)

    def _alerts(self, seen: Seen, telling: Telling) -> None:
        if seen.amount < self.config.alert_amount_min:
            return
        if seen.counterparty is not None:
            link = linked(self.journal, (seen.wallet, seen.counterparty), self.watched, self.config)
            forth = wash.back_and_forth(self.journal, seen, self.config)
            found = link or forth
            if found is not None:
                detail = f"two wallets traded {seen.size} shares at {seen.price} with each other"
                evidence = {**found, "size": str(seen.size), "price": str(seen.price)}
                telling.alert(AlertKind.WASH, seen, detail, evidence)
        if seen.role is not TradeRole.MAKER:
            found = spikes.spike(self.journal, seen, self.config, self._is_linked)
            if found is not None:
                detail = f"the price went from {found['price_before']} to {found['price_after']}"
                telling.alert(AlertKind.SPIKE, seen, detail, found)

    def _is_linked(self, one: bytes, other: bytes) -> bool:
        return linked(self.journal, (one, other), self.watched, self.config) is not None

    # --- time

    def _close_orders(self, telling: Telling) -> None:
        for key, order in self.journal.items(Order):
            if not orders.is_due(order, telling.mark.event_ns, self.config):
                continue
            wallet, side, token = order_key_parts(key)
            self.journal.drop(Order, key)
            orders.remember(self.journal, token, order, self.config)
            if order.reason is not None:
                telling.order(wallet, (side, token), order, WhaleOrderStatus.CLOSED)

    def _forget(self) -> None:
        for kind in (Usual, Prices):
            while self.journal.count(kind) > _TOKENS_MAX:
                oldest = self.journal.oldest(kind)
                assert oldest is not None
                self.journal.drop(kind, oldest[0])


def _in_order(trades: Sequence[Seen], shares: Sequence[ShareMove]) -> Sequence[Seen | ShareMove]:
    """Return all of one block, by their logs."""
    if not shares:
        return trades
    return sorted([*trades, *shares], key=lambda one: one.log_index or 0)


def order_key_parts(key: bytes) -> tuple[bytes, Side, str]:
    """Return wallet, side and token of an order's key."""
    side, _, token = key[20:].partition(b"/")
    return key[:20], Side(side.decode()), token.decode()
