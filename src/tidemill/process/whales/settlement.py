"""Is a trade new, or the settlement of one that its venue told before: matched, settled, or a ghost."""

from decimal import Decimal

from msgspec import Struct, structs

from tidemill.core.clock import NS_PER_S
from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.journal import Journal
from tidemill.process.whales.seen import Seen
from tidemill.schema.events import SettlementState


class Fill(Struct, frozen=True, array_like=True):
    """What a whale did in one transaction, in one token and on one side."""

    trade_id: str
    """Of the first trade that was told of it."""
    state: SettlementState
    event_ns: int
    wallet: bytes
    token: str
    market: str | None
    tx_hash: bytes | None
    matched_size: Decimal | None
    """Absent where the chain was first."""
    settled_size: Decimal
    is_matched_first: bool

    def is_ghost(self, now_ns: int, config: WhaleConfig) -> bool:
        """Say whether no block had it in time."""
        waits = self.state in (SettlementState.MATCHED, SettlementState.REVERTED)
        return waits and self.event_ns + config.ghost_after_s * NS_PER_S < now_ns

    def is_old(self, now_ns: int, config: WhaleConfig) -> bool:
        """Say whether nobody tells it again."""
        return self.event_ns + config.remember_s * NS_PER_S < now_ns


class Known(Struct, frozen=True, array_like=True):
    """A trade that a venue told, where no chain is read that settles it."""

    event_ns: int


def is_news(journal: Journal, seen: Seen, config: WhaleConfig) -> bool:
    """Keep that a venue told a trade, and say whether nobody had; venues' channels tell the same ones."""
    key = seen.fill_key or seen.trade_id.encode()
    if journal.get(Known, key) is not None:
        return False
    journal.put(key, Known(seen.event_ns))
    while (oldest := journal.oldest(Known)) and oldest[
        1
    ].event_ns + config.remember_s * NS_PER_S < seen.event_ns:
        journal.drop(Known, oldest[0])
    return True


def matched(journal: Journal, seen: Seen) -> Fill | None:
    """Keep a match that a venue tells; None where it was told already, or names no transaction."""
    key = seen.fill_key
    if key is None or journal.get(Fill, key) is not None:
        return None
    fill = _fill(seen, SettlementState.MATCHED, seen.size, Decimal(0))
    journal.put(key, fill)
    return fill


def is_told(journal: Journal, seen: Seen) -> bool:
    """Say whether its venue's match was told, or another fill of it."""
    return journal.get(Fill, seen.fill_key or seen.trade_id.encode()) is not None


def settled(journal: Journal, seen: Seen) -> Fill:
    """Keep what was filled for good; return it with all that is settled of it."""
    key = seen.fill_key or seen.trade_id.encode()
    known = journal.get(Fill, key)
    fill = (
        _fill(seen, SettlementState.SETTLED, None, seen.size)
        if known is None
        else structs.replace(
            known, state=SettlementState.SETTLED, settled_size=known.settled_size + seen.size
        )
    )
    journal.put(key, fill)
    return fill


def ghosts(journal: Journal, now_ns: int, config: WhaleConfig) -> list[Fill]:
    """Mark the matches that no block had in time, forget the oldest fills, and return the ghosts."""
    found: list[Fill] = []
    for key, fill in journal.items(Fill):
        if fill.is_ghost(now_ns, config):
            ghost = structs.replace(fill, state=SettlementState.GHOST)
            journal.put(key, ghost)
            found.append(ghost)
        elif fill.is_old(now_ns, config):
            journal.drop(Fill, key)
    return found


def _fill(seen: Seen, state: SettlementState, matched_size: Decimal | None, settled_size: Decimal) -> Fill:
    return Fill(
        trade_id=seen.trade_id,
        state=state,
        event_ns=seen.event_ns,
        wallet=seen.wallet,
        token=seen.token,
        market=seen.market,
        tx_hash=seen.tx_hash,
        matched_size=matched_size,
        settled_size=settled_size,
        is_matched_first=state is SettlementState.MATCHED,
    )
