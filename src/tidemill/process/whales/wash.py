"""Did wallets trade with each other for show: linked ones at all, others back and forth."""

from decimal import Decimal

from msgspec import Struct, structs

from tidemill.core.clock import NS_PER_S
from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.journal import Journal
from tidemill.process.whales.seen import Seen
from tidemill.schema.events import Side


class Pair(Struct, frozen=True, array_like=True):
    """What two wallets traded with each other in one token lately."""

    first_ns: int
    last_ns: int
    net: Decimal
    """Shares that the wallet with the lower address bought from the other, less those that it sold."""
    gross: Decimal
    trade_ids: tuple[str, ...]


def back_and_forth(journal: Journal, seen: Seen, config: WhaleConfig) -> dict[str, object] | None:
    """Keep a maker's trade with its counterparty; return evidence where the two only trade back and forth."""
    if seen.counterparty is None:
        return None
    low, high = sorted((seen.wallet, seen.counterparty))
    key = low + high + seen.token.encode()
    known = journal.get(Pair, key)
    if known is None or known.first_ns + config.wash_window_s * NS_PER_S < seen.event_ns:
        known = Pair(seen.event_ns, seen.event_ns, Decimal(0), Decimal(0), ())
    bought_by_low = (seen.side is Side.BUY) == (seen.wallet == low)
    pair = structs.replace(
        known,
        last_ns=seen.event_ns,
        net=known.net + (seen.size if bought_by_low else -seen.size),
        gross=known.gross + seen.size,
        trade_ids=(*known.trade_ids, seen.trade_id),
    )
    is_wash = (
        len(pair.trade_ids) >= config.wash_trades_min
        and abs(pair.net) <= config.wash_net_share_max * pair.gross
    )
    if is_wash:
        journal.drop(Pair, key)  # it is told once, and then begins anew
        return {
            "link": "back and forth",
            "net_size": str(pair.net),
            "gross_size": str(pair.gross),
            "trades": list(pair.trade_ids),
            "seconds": (pair.last_ns - pair.first_ns) // NS_PER_S,
        }
    journal.put(key, pair)
    return None


def forget(journal: Journal, now_ns: int, config: WhaleConfig) -> None:
    """Forget pairs that have not traded for a window."""
    while (oldest := journal.oldest(Pair)) and oldest[1].last_ns + config.wash_window_s * NS_PER_S < now_ns:
        journal.drop(Pair, oldest[0])
