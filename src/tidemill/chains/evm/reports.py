"""What a follower says of itself: which blocks are complete or missing, how its connections fare."""

from tidemill._rust import Head
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.core.clock import NS_PER_S
from tidemill.schema.events import Coverage, CoverageStatus, Health, HealthState, Proof


class Reports:
    """Numbers and emits the coverage and health events of one run."""

    def __init__(self, calls: Calls, config: EvmConfig, run_id: str) -> None:
        self._calls = calls
        self._source = config.source
        self._run_id = run_id
        self._proof = Proof(config.proof)
        self._sequence = 0
        self._states: dict[str, HealthState] = {}
        self._lost = ""
        """Why the chain is not followed; empty while it is."""
        self._gaps: list[tuple[int, int, str]] = []
        """Blocks that were missed and are not sealed yet: first, last, cause."""

    def endpoint(self, connection: str) -> str:
        """Return where a connection leads to, without what opens it."""
        return self._calls.links[connection].url

    def covered(
        self, first: int, last: int, log_count: int, *, event_ns: int, cause: str, repaired: bool = False
    ) -> None:
        """Say that blocks are complete, with the proof that the settings ask for."""
        missed = next((gap for gap in self._gaps if gap[0] <= last and first <= gap[1]), None)
        if missed is not None:
            repaired, cause = True, f"{cause}; missed before: {missed[2]}"
            self._gaps = [gap for gap in self._gaps if gap[1] > last]
        status = CoverageStatus.REPAIRED if repaired else CoverageStatus.COMPLETE
        self._cover(first, last, log_count, event_ns, status, self._proof, cause)

    def missing(self, first: int, last: int, cause: str) -> None:
        """Say that blocks, or logs of them, are missing."""
        self._cover(first, last, 0, self._calls.now_ns, CoverageStatus.GAP, Proof.NONE, cause)

    @property
    def is_cut_off(self) -> bool:
        """Whether the chain is not followed now."""
        return bool(self._lost)

    def lost(self, cause: str) -> None:
        """Take note that the chain is not followed from now on; the first cause is the one that is told."""
        self._lost = self._lost or cause or "no connection"

    def found(self, tip: int, newest: int) -> None:
        """Take note that the chain is followed again: say which blocks came meanwhile."""
        if not self._lost:
            return
        cause, self._lost = self._lost, ""
        if 0 <= tip < newest:
            self._gaps.append((tip + 1, newest, cause))
            self.missing(tip + 1, newest, cause)

    def reread(self, head: Head, cause: str) -> None:
        """Say that pools whose state was not known are, since this block."""
        event_ns = head.timestamp_s * NS_PER_S
        self._cover(head.number, head.number, 0, event_ns, CoverageStatus.REPAIRED, Proof.NONE, cause)

    def health(self, connection: str, state: HealthState, detail: str = "") -> None:
        """Say how a connection fares, where that is news."""
        if self._states.get(connection) == state:
            return
        self._states[connection] = state
        self._sequence += 1
        self._calls.step.events.append(
            Health(
                event_ns=self._calls.now_ns,
                recv_ns=self._calls.now_ns,
                source=self._source,
                connection=self._run_id,
                sequence=self._sequence,
                endpoint=self.endpoint(connection),
                state=state,
                detail=detail,
            )
        )

    def _cover(
        self,
        first: int,
        last: int,
        log_count: int,
        event_ns: int,
        status: CoverageStatus,
        proof: Proof,
        cause: str,
    ) -> None:
        self._sequence += 1
        self._calls.step.events.append(
            Coverage(
                event_ns=event_ns,
                recv_ns=self._calls.now_ns,
                source=self._source,
                connection=self._run_id,
                sequence=self._sequence,
                from_block=first,
                to_block=last,
                status=status,
                proof=proof,
                log_count=log_count,
                cause=cause,
            )
        )
