"""What tidemill knows of its own sources: what is complete, what is missing, which connection lives."""

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from tidemill.schema.types import Count64, Name, Nanos, Text


class CoverageStatus(StrEnum):
    """What is known of a range of blocks."""

    COMPLETE = "complete"
    GAP = "gap"
    REPAIRED = "repaired"


class Proof(StrEnum):
    """What stands behind a claim of completeness."""

    NONE = "none"
    CLAIMED = "claimed"
    """The node answered for the block by its hash, and no log that it announced was absent."""
    BLOOM = "bloom"
    """All logs of the block make exactly the filter that its header holds. A log whose like the block has
    twice can still be absent."""
    RECEIPTS_ROOT = "receipts_root"
    """The block's receipts make exactly the root that its header holds: none can be absent or changed."""
    AGREED = "agreed"
    """Two endpoints gave the same logs for the block's hash."""


class Coverage(Struct, frozen=True, kw_only=True, tag="coverage"):
    """A range of blocks of one source, and what is known of its completeness."""

    IDENTITY: ClassVar = ("source", "connection", "sequence")
    ORDER: ClassVar = ("source", "from_block")

    event_ns: Nanos
    """The timestamp of the last block of the range; for a gap, when it was noticed."""
    recv_ns: Nanos
    source: Name
    connection: Text
    """Names one run of one source; it never repeats."""
    sequence: Count64
    from_block: Count64
    to_block: Count64
    """Last block of the range, which it includes."""
    status: CoverageStatus
    proof: Proof
    log_count: Count64
    cause: Text
    """How the range was read, or why it is missing."""


class HealthState(StrEnum):
    """How a connection fares."""

    CONNECTING = "connecting"
    LIVE = "live"
    LEADING = "leading"
    """It is the one whose heads are followed."""
    POLLING = "polling"
    """It is asked for the newest head again and again, because nothing announces it."""
    STALE = "stale"
    DOWN = "down"
    REFUSED = "refused"

    @property
    def is_alive(self) -> bool:
        """Whether it tells or answers."""
        return self in (HealthState.LIVE, HealthState.LEADING, HealthState.POLLING)


class Health(Struct, frozen=True, kw_only=True, tag="health"):
    """A connection changed its state."""

    IDENTITY: ClassVar = ("source", "connection", "sequence")
    ORDER: ClassVar = ("source", "event_ns")

    event_ns: Nanos
    """When the change was noticed."""
    recv_ns: Nanos
    source: Name
    connection: Text
    """Names one run of one source; it never repeats."""
    sequence: Count64
    endpoint: Text
    """Where it connects to, without credentials."""
    state: HealthState
    detail: Text
    """Why, in one sentence; empty where there is nothing to say."""
