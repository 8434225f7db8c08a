"""What one block, or one message of a venue, brings about, as events."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from msgspec import Struct, json

from tidemill.process.whales.linking import Funder
from tidemill.process.whales.orders import Order
from tidemill.process.whales.positions import Moved
from tidemill.process.whales.seen import Seen, Watched, rounded
from tidemill.process.whales.settlement import Fill
from tidemill.schema.events import (
    AlertKind,
    PositionChange,
    SettlementState,
    Side,
    WhaleAlert,
    WhaleLink,
    WhaleOrder,
    WhaleOrderStatus,
    WhalePosition,
    WhaleReason,
    WhaleSettlement,
    WhaleTrade,
)


class Mark(NamedTuple):
    """Where and when all of it happened."""

    event_ns: int
    recv_ns: int
    detected_ns: int
    source: str
    connection: str
    sequence: int
    chain_id: int | None = None
    block_number: int | None = None
    block_hash: bytes | None = None


class Telling:
    """Collects the events of one block or message."""

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.events: list[Struct] = []
        self._at: Mapping[str, Any] = mark._asdict()

    def trade(self, seen: Seen, order: Order, state: SettlementState, watched: Watched | None) -> None:
        """Tell a trade of a whale."""
        assert order.reason is not None
        at = {**self._at, "event_ns": seen.event_ns, "recv_ns": seen.recv_ns}
        if self.mark.block_hash is None:
            at |= {"source": seen.source, "connection": seen.connection, "sequence": seen.sequence}
        self.events.append(
            WhaleTrade(
                **at,
                **_trader(seen.wallet, seen.market, seen.token),
                row=seen.row,
                trade_id=seen.trade_id,
                order_id=order.order_id,
                side=seen.side,
                size=seen.size,
                price=seen.price,
                amount=seen.amount,
                role=seen.role,
                reason=order.reason,
                state=state,
                usual_amount=order.usual_amount,
                is_copied=int(watched is not None and watched.is_copied),
                pseudonym=watched.pseudonym if watched is not None else seen.pseudonym,
                tx_hash=seen.tx_hash,
                log_index=seen.log_index,
            )
        )

    def order(self, wallet: bytes, what: tuple[Side, str], order: Order, status: WhaleOrderStatus) -> None:
        """Tell an order of a whale; `what` is its side and token."""
        side, token = what
        self.events.append(
            WhaleOrder(
                **{**self._at, "event_ns": order.last_ns},
                **_trader(wallet, order.market, token),
                order_id=order.order_id,
                status=status,
                side=side,
                size=order.size,
                price=rounded(order.amount / order.size),
                amount=order.amount,
                trade_count=order.trade_count,
                first_ns=order.first_ns,
                reason=order.reason or WhaleReason.REGISTERED,
                usual_amount=order.usual_amount,
            )
        )

    def position(self, wallet: bytes, token: str, moved: Moved, change: PositionChange) -> None:
        """Tell what became of a whale's position."""
        self.events.append(
            WhalePosition(
                **self._at,
                **_trader(wallet, moved.after.market or moved.before.market, token),
                change=change,
                size=moved.after.size,
                size_before=moved.before.size,
                average_price=moved.after.average_price,
                realized_pnl=moved.realized_pnl,
                unseen_size=moved.unseen_size,
            )
        )

    def settlement(self, fill: Fill, state: SettlementState) -> None:
        """Tell how far a trade is settled that its venue told first."""
        size = fill.settled_size if state is SettlementState.SETTLED else fill.matched_size
        self.events.append(
            WhaleSettlement(
                **self._at,
                **_trader(fill.wallet, fill.market, fill.token),
                trade_id=fill.trade_id,
                state=state,
                size=size or Decimal(0),
                tx_hash=fill.tx_hash,
            )
        )

    def link(self, wallet: bytes, funder: Funder) -> None:
        """Tell who funded a whale."""
        self.events.append(
            WhaleLink(
                **self._at,
                wallet=wallet,
                funder=funder.funder,
                token=funder.token,
                amount=funder.amount,
                tx_hash=funder.tx_hash,
                log_index=funder.log_index,
            )
        )

    def alert(self, kind: AlertKind, seen: Seen, detail: str, evidence: Mapping[str, object]) -> None:
        """Tell what looks like manipulation."""
        self.events.append(
            WhaleAlert(
                **self._at,
                alert_id=f"{kind}:{seen.trade_id}",
                kind=kind,
                trader_address=seen.wallet,
                counterparty=seen.counterparty,
                market_id=seen.market,
                token_id=seen.token,
                detail=detail,
                evidence=json.encode(evidence, order="deterministic").decode(),
            )
        )


def _trader(wallet: bytes, market: str | None, token: str) -> dict[str, Any]:
    return {"trader_address": wallet, "market_id": market, "token_id": token}
