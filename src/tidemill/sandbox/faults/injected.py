"""What was done to the client: every fault that was injected, for tests to compare with what was found."""

from collections import Counter, deque

from msgspec import Struct

_KEPT_MAX = 200_000

LogIdentity = tuple[bytes, int]
"""Block hash (32 bytes) and index of the log in its block."""


class Injected(Struct):
    """One fault, done once; None where a part does not apply."""

    kind: str
    at_ns: int
    until_ns: int | None = None
    """The end of a `freeze` or `refuse`; None while it lasts."""
    connection: int | None = None
    """Which WebSocket, counted from 1; 0: HTTP."""
    message: int | None = None
    """Which message of that connection, counted from 1."""
    method: str | None = None
    block_hash: bytes | None = None
    log_index: int | None = None


class Injections:
    """Keeps the newest faults, and counts them all."""

    def __init__(self, kept_max: int = _KEPT_MAX) -> None:
        self.kept: deque[Injected] = deque(maxlen=kept_max)
        self.counts: Counter[str] = Counter()

    def add(self, injected: Injected) -> Injected:
        """Keep one, and return it."""
        self.kept.append(injected)
        self.counts[injected.kind] += 1
        return injected

    def dropped_logs(self) -> set[LogIdentity]:
        """Return the logs that some answer or notice lacked."""
        return {
            (one.block_hash, one.log_index)
            for one in self.kept
            if one.kind == "drop_log" and one.block_hash is not None and one.log_index is not None
        }
