"""When must a person look before anything more is sent?"""

from msgspec import Struct

from tidemill.core.clock import NS_PER_MS


class StopLimits(Struct, frozen=True, kw_only=True):
    """What engages the kill switch by itself."""

    daily_loss_max_wei: int
    """The most gas that a day (UTC) may cost on one chain for transactions that earned nothing."""
    head_age_max_ms: int
    """A newest block older than this is stale."""
    unknown_max_ms: int
    """So long may the outcome of a transaction be unknown; until then it only holds up the next one."""


class Seen(Struct, frozen=True, kw_only=True):
    """What the limits are held against."""

    lost_today_wei: int
    """Gas paid today for transactions that failed, in this chain's own coin."""
    head_ns: int | None
    """The newest block's own time, so that a node that stands still is noticed; None before the first."""
    unknown_since_ns: int | None
    """Since when the oldest unknown outcome has been; None where there is none."""


def reason_to_stop(seen: Seen, limits: StopLimits, now_ns: int) -> str | None:
    """Return why nothing more may be sent until a person has looked; None where it may."""
    if seen.lost_today_wei >= limits.daily_loss_max_wei:
        return f"lost {seen.lost_today_wei} wei today, at most {limits.daily_loss_max_wei} are allowed"
    if seen.unknown_since_ns is not None:
        unknown_ms = (now_ns - seen.unknown_since_ns) // NS_PER_MS
        if unknown_ms > limits.unknown_max_ms:
            return (
                f"an outcome has been unknown for {unknown_ms} ms, "
                f"at most {limits.unknown_max_ms} are allowed"
            )
    if seen.head_ns is not None:
        age_ms = (now_ns - seen.head_ns) // NS_PER_MS
        if age_ms > limits.head_age_max_ms:
            return f"the newest block is {age_ms} ms old, at most {limits.head_age_max_ms} are allowed"
    return None
