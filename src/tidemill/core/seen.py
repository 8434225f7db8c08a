"""Was this heard before: the newest keys are remembered, so many of them, with how often each was told."""

from collections.abc import Hashable


class Seen:
    """Keys with counts; beyond `keys_max` the oldest are forgotten."""

    def __init__(self, keys_max: int) -> None:
        self._keys_max = keys_max
        self._counts: dict[Hashable, int] = {}

    def is_new(self, key: Hashable, count: int = 1) -> bool:
        """Say whether `key` was told less often than `count` times; afterwards it was told so often."""
        if self._counts.get(key, 0) >= count:
            return False
        if key not in self._counts and len(self._counts) >= self._keys_max:
            del self._counts[next(iter(self._counts))]
        self._counts[key] = count
        return True
