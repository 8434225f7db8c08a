"""How honest, quick and reliable is an endpoint: counted from what it said, and forgiven with time."""

from enum import StrEnum

from msgspec import Struct, field

from tidemill.core.clock import NS_PER_S

_HALF_LIFE_S = 600
"""What an endpoint did wrong counts half after so long: a node that was mended is asked again."""
_NEWEST_SHARE = 0.1
_QUICK_MS = 50


class Vice(StrEnum):
    """What an endpoint does wrong."""

    LIED = "lied"
    """Its answer lacked logs, or contradicted its own header."""
    WRONG_FORK = "wrong_fork"
    """It told blocks that most endpoints do not have."""
    GARBLED = "garbled"
    """Its answer could not be read."""
    STALE = "stale"
    """It fell silent, or behind."""
    LIMITED = "limited"
    """It refused because it was asked too often."""
    FAILED = "failed"
    """It did not answer, or with an error."""


_WEIGHTS = {
    Vice.LIED: 64.0,
    Vice.WRONG_FORK: 64.0,
    Vice.GARBLED: 8.0,
    Vice.STALE: 8.0,
    Vice.LIMITED: 2.0,
    Vice.FAILED: 1.0,
}
"""A lie weighs more than any number of slow answers: it is the one vice that cannot be waited out."""


class Scorecard(Struct):
    """The counts of one endpoint."""

    answers: int = 0
    latency_ms: float | None = None
    """Of answers, an average in which the newest weighs a tenth."""
    vices: dict[Vice, int] = field(default_factory=dict[Vice, int])
    acquittals: int = 0
    """How often it was cleared of one; that one is no longer among the vices."""
    is_wrong_chain: bool = False
    head_number: int | None = None
    """The newest block that it told."""
    lag_ms: float | None = None
    """How much later than the first of all it announces a head; averaged as the latency is."""
    _penalty: float = 0.0
    _penalty_ns: int = 0
    slowness: int = 0
    """0 for answers and heads within 50 ms, and one more for every fourfold; one less only where that would
    be so at twice the time, or two endpoints near a bound would take turns to lead.
    """

    def answered(self, latency_ms: float) -> None:
        """Count an answer."""
        self.answers += 1
        self.latency_ms = _moved(self.latency_ms, latency_ms)
        self._weigh()

    def announced(self, number: int, lag_ms: float) -> None:
        """Count a head that came so much later than another endpoint told it."""
        self.head_number = number
        self.lag_ms = _moved(self.lag_ms, lag_ms)
        self._weigh()

    def did(self, vice: Vice, now_ns: int) -> None:
        """Count something done wrong."""
        self.vices[vice] = self.vices.get(vice, 0) + 1
        self._penalty = self.penalty(now_ns) + _WEIGHTS[vice]
        self._penalty_ns = now_ns

    def acquit(self, vice: Vice, now_ns: int) -> None:
        """Take back something that it was held to have done wrong just now."""
        self.acquittals += 1
        self.vices[vice] = self.vices.get(vice, 0) - 1
        if not self.vices[vice]:
            del self.vices[vice]
        self._penalty = max(self.penalty(now_ns) - _WEIGHTS[vice], 0.0)
        self._penalty_ns = now_ns

    def penalty(self, now_ns: int) -> float:
        """Return the weight of all that it did wrong, as far as it still counts."""
        if not self._penalty:
            return 0.0
        passed_s = max(now_ns - self._penalty_ns, 0) / NS_PER_S
        return self._penalty * 0.5 ** (passed_s / _HALF_LIFE_S)

    def grade(self, now_ns: int) -> int:
        """Return 0 for an endpoint without a fault worth a name, and more the worse it is: doubling steps."""
        return int(self.penalty(now_ns) / 4).bit_length()

    def _weigh(self) -> None:
        slow_ms = max(self.latency_ms or 0.0, self.lag_ms or 0.0)
        self.slowness = max(_steps(slow_ms), min(self.slowness, _steps(2 * slow_ms)))

    def told(self, now_ns: int) -> dict[str, object]:
        """Return it as JSON has it."""
        lies = sum(self.vices.get(vice, 0) for vice in (Vice.LIED, Vice.WRONG_FORK, Vice.GARBLED))
        return {
            "honesty": round(1 - lies / max(self.answers, lies, 1), 6),
            "grade": self.grade(now_ns),
            "answers": self.answers,
            "latency_ms": None if self.latency_ms is None else round(self.latency_ms, 3),
            "lag_ms": None if self.lag_ms is None else round(self.lag_ms, 3),
            "head": self.head_number,
            "wrong_chain": self.is_wrong_chain,
            **{vice.value: self.vices.get(vice, 0) for vice in Vice},
            "acquittals": self.acquittals,
        }


def _steps(slow_ms: float) -> int:
    return (int(slow_ms / _QUICK_MS).bit_length() + 1) // 2


def _moved(before: float | None, newest: float) -> float:
    return newest if before is None else before + _NEWEST_SHARE * (newest - before)
