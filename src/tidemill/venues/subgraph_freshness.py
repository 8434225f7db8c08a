"""Can a subgraph be relied on now: it is fresh, or late, or dead, and why; a pure judgement."""

from enum import StrEnum

from tidemill.core.clock import NS_PER_MS
from tidemill.schema.faults import Fault, Refused
from tidemill.venues.subgraph import Head


class Verdict(StrEnum):
    """What is thought of a subgraph."""

    UNKNOWN = "unknown"
    FRESH = "fresh"
    LATE = "late"
    DEAD = "dead"
    REFUSED = "refused"

    @property
    def is_relied_on(self) -> bool:
        """Whether what it tells is used; one that has said nothing yet is waited for."""
        return self in (Verdict.UNKNOWN, Verdict.FRESH)


class Freshness:
    """Judges one subgraph by what it answers."""

    def __init__(self, lag_blocks_max: int, dead_after_ms: int, now_ns: int) -> None:
        self.verdict = Verdict.UNKNOWN
        self.why = ""
        """In one sentence."""
        self.lag_blocks: int | None = None
        self._lag_blocks_max = lag_blocks_max
        self._dead_after_ms = dead_after_ms
        self._answered_ns = now_ns

    def answered(self, head: Head, chain_number: int | None, now_ns: int) -> bool:
        """Take an answer; return whether the verdict is another one than before."""
        self._answered_ns = now_ns
        # a head that our own chain's reader has not seen yet is no lag at all
        self.lag_blocks = None if chain_number is None else max(0, chain_number - head.number)
        if head.has_indexing_errors:
            return self._judge(Verdict.LATE, f"it says that it has indexing errors, at block {head.number}")
        if self.lag_blocks is None and self.verdict is Verdict.LATE:
            return False  # it cannot be told that it is less late now
        if self.lag_blocks is None:
            return self._judge(Verdict.FRESH, f"it answers, at block {head.number}; the chain's is not known")
        limit = self._lag_blocks_max
        if self.verdict is Verdict.LATE:
            limit //= (
                2  # not at the limit itself, or one that stays there would be left and taken all the time
            )
        is_late = self.lag_blocks > limit
        told = f"{self.lag_blocks} blocks behind, at {head.number} of {chain_number} ({limit} allowed)"
        return self._judge(Verdict.LATE if is_late else Verdict.FRESH, told)

    def failed(self, fault: Fault, now_ns: int) -> bool:
        """Take a failure; return whether the verdict is another one than before."""
        if isinstance(fault, Refused):
            return self._judge(Verdict.REFUSED, str(fault))
        silent_ms = (now_ns - self._answered_ns) // NS_PER_MS
        if silent_ms < self._dead_after_ms:
            return False
        return self._judge(Verdict.DEAD, f"no answer that counts for {silent_ms} ms: {fault}")

    def _judge(self, verdict: Verdict, why: str) -> bool:
        was, self.verdict, self.why = self.verdict, verdict, why
        return was is not verdict
