"""How many signals came to what, and what they gained: a running count of the ledger's events."""

import msgspec
from msgspec import Struct, field

from tidemill.core.clock import NS_PER_S
from tidemill.execute.deciding import DayUse
from tidemill.execute.trade import is_settled
from tidemill.schema.events import Execution, ExecutionState

_DAY_NS = 86_400 * NS_PER_S
_PAPER_JUDGED = frozenset({ExecutionState.PAPER_FILLED, ExecutionState.PAPER_MISSED})


class Tally(Struct, kw_only=True):
    """Counts of everything that one ledger was told."""

    signals: int = 0
    included: int = 0
    """Of those sent: in a block that is canonical, as far as is known."""
    paper_accepted: int = 0
    """On paper: simulated, allowed, and to be judged."""
    paper_filled: int = 0
    paper_missed: int = 0
    failed: int = 0
    """Refused, or would have failed, or did."""
    unknown: int = 0
    profit_usd: float = 0.0
    """What was realised in tokens that are taken for a dollar."""
    unpriced: int = 0
    """Trades that realised a profit in other tokens."""
    realised_share: float = 0.0
    """Over the trades judged on paper: what was realised of each unit simulated, summed."""

    days: dict[str, DayUse] = field(default_factory=dict[str, DayUse])
    """What each chain's trades took on its newest day."""
    paid: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """Of trades that cost something and are not settled: the day on which it was counted, and the fee."""

    def day_of(self, chain: str, now_ns: int) -> DayUse:
        """Return what a chain's trades took today, to be counted on."""
        today = now_ns // _DAY_NS
        use = self.days.get(chain)
        if use is None or use.day < today:
            use = self.days[chain] = DayUse(day=today)
        return use

    def take(self, told: Execution) -> None:
        """Count an event."""
        use = self.day_of(told.source, told.event_ns)
        self._pay(told, use)
        match told.state:
            case ExecutionState.RECEIVED:
                self.signals += 1
            case ExecutionState.SIMULATED:
                use.trades += 1
                token = told.token.hex()
                use.amounts[token] = use.amounts.get(token, 0) + told.amount
            case ExecutionState.REFUSED | ExecutionState.FAILED:
                self.failed += 1
            case ExecutionState.INCLUDED:
                self.included += 1
                self._gain(told, 1)
            case ExecutionState.REORGED:
                self.included -= 1
                self._gain(told, -1)
            case ExecutionState.UNKNOWN:
                self.unknown += 1
            case ExecutionState.PAPER_PENDING:
                self.paper_accepted += 1
            case ExecutionState.PAPER_FILLED:
                self.paper_filled += 1
                self._gain(told, 1)
            case ExecutionState.PAPER_MISSED:
                self.paper_missed += 1
            case _:
                pass
        if told.state in _PAPER_JUDGED and told.simulated_profit:
            self.realised_share += (told.realised_profit or 0) / told.simulated_profit

    @property
    def optimism_ratio(self) -> float | None:
        """How much a first simulation promises for each unit that is realised, every trade counting the same.

        1: what was promised came; None where nothing was realised yet.
        """
        judged = self.paper_filled + self.paper_missed
        return judged / self.realised_share if self.realised_share > 0 else None

    def _pay(self, told: Execution, use: DayUse) -> None:
        """Count a fee once, however many events tell of it; a reorg of the same day takes it back."""
        key, fee_wei = told.execution_id.hex(), told.fee_wei or 0
        day, counted_wei = self.paid.pop(key, (use.day, 0))
        if fee_wei != counted_wei:
            use.fee_wei += fee_wei - (counted_wei if day == use.day else 0)
            day = use.day
        if fee_wei and not is_settled(told):
            self.paid[key] = day, fee_wei

    def _gain(self, told: Execution, sign: int) -> None:
        if told.realised_profit_usd is not None:
            self.profit_usd += sign * told.realised_profit_usd
        elif told.realised_profit is not None:
            self.unpriced += sign


def copy_of(tally: Tally) -> Tally:
    """Return the same counts, to be counted on apart."""
    return msgspec.json.decode(msgspec.json.encode(tally), type=Tally)
