"""What a follower says of itself: which blocks are complete or missing, how its connections fare."""

from tidemill._rust import Head
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.steps import HTTP, WS
from tidemill.core.clock import NS_PER_S
from tidemill.core.endpoint import redact_url
from tidemill.schema.events import Coverage, CoverageStatus, Health, HealthState, Proof


class Reports:
    """Numbers and emits the coverage and health events of one run."""

    def __init__(self, calls: Calls, config: EvmConfig, run_id: str) -> None:
        self._calls = calls
        self._source = config.source
        self._run_id = run_id
        self._sequence = 0
        self._endpoints = {
            WS: redact_url(config.ws_url or ""),
            HTTP: redact_url(config.http_url or ""),
        }
        self._states: dict[str, HealthState] = {}

    def endpoint(self, connection: str) -> str:
        """Return where a connection leads to, without what opens it."""
        return self._endpoints[connection]

    def covered(
        self, first: int, last: int, log_count: int, *, event_ns: int, cause: str, repaired: bool = False
    ) -> None:
        """Say that blocks are complete, as the node claims."""
        status = CoverageStatus.REPAIRED if repaired else CoverageStatus.COMPLETE
        self._cover(first, last, log_count, event_ns, status, Proof.CLAIMED, cause)

    def missing(self, first: int, last: int, cause: str) -> None:
        """Say that blocks, or logs of them, are missing."""
        self._cover(first, last, 0, self._calls.now_ns, CoverageStatus.GAP, Proof.NONE, cause)

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
                endpoint=self._endpoints[connection],
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
