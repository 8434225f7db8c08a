"""May one more request be answered now: a bucket of tokens for each account, filled at an even rate."""

from collections import OrderedDict
from typing import NamedTuple, Protocol

_PER_S = 1 / 60
_BUCKETS_MAX = 20_000
"""Of 250 bytes each; the one asked longest ago makes room. It is full by then, or its owner calls from so
many addresses that no limit by address stops them."""


class Granted(NamedTuple):
    """What became of a request to take tokens."""

    is_granted: bool
    limit: int
    """Tokens that a full bucket has; it is filled in a minute."""
    remaining: int
    """Whole tokens that are left."""
    wait_s: float
    """Until what was asked for is there; 0 where it was granted."""

    @property
    def full_in_s(self) -> float:
        """Until the bucket is full again."""
        return (self.limit - self.remaining) / (self.limit * _PER_S)


class Buckets(Protocol):
    """Where the buckets are."""

    async def take(self, account: str, per_minute: int, cost: int, now_s: float) -> Granted:
        """Take `cost` tokens of the account's bucket, or none where it has less."""
        ...


class OwnBuckets:
    """Buckets of this process."""

    def __init__(self) -> None:
        self._left: OrderedDict[tuple[str, int], tuple[float, float]] = OrderedDict()
        """Tokens, and when that was, by account and limit; the one asked last stands last."""

    async def take(self, account: str, per_minute: int, cost: int, now_s: float) -> Granted:
        """Take `cost` tokens of the account's bucket, or none where it has less."""
        key = (account, per_minute)
        left, then_s = self._left.pop(key, (float(per_minute), now_s))
        left = min(per_minute, left + max(0.0, now_s - then_s) * per_minute * _PER_S)
        is_granted = left >= cost
        left -= cost if is_granted else 0
        self._left[key] = (left, now_s)
        if len(self._left) > _BUCKETS_MAX:
            self._left.popitem(last=False)
        wait_s = 0.0 if is_granted else (cost - left) / (per_minute * _PER_S)
        return Granted(is_granted, per_minute, int(left), wait_s)
