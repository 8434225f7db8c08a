"""Which connection carries a key, where a connection carries only so many."""

from collections.abc import Iterator


class Shards:
    """Keys on numbered shards: a key stays where it was put until it is removed, whatever else comes or goes.

    A key goes to the lowest shard that has room, so what remains after removals is filled up before another
    shard is begun.
    """

    def __init__(self, keys_max: int) -> None:
        if keys_max < 1:
            raise ValueError(f"expected room for at least one key, found {keys_max}")
        self._keys_max = keys_max
        self._shards: dict[str, int] = {}
        self._keys: dict[int, set[str]] = {}

    def __iter__(self) -> Iterator[int]:
        """Yield the shards that have keys, ascending."""
        return iter(sorted(self._keys))

    def add(self, key: str) -> int:
        """Return the shard of `key`, which is given one where it has none."""
        if key in self._shards:
            return self._shards[key]
        shard = 0
        while len(self._keys.get(shard, ())) >= self._keys_max:
            shard += 1
        self._shards[key] = shard
        self._keys.setdefault(shard, set()).add(key)
        return shard

    def remove(self, key: str) -> int | None:
        """Return the shard that `key` was on, which ends where it has no other; None where it had none."""
        shard = self._shards.pop(key, None)
        if shard is None:
            return None
        self._keys[shard].discard(key)
        if not self._keys[shard]:
            del self._keys[shard]
        return shard

    def shard_of(self, key: str) -> int | None:
        """Return the shard of `key`; None where it has none."""
        return self._shards.get(key)

    def keys_of(self, shard: int) -> frozenset[str]:
        """Return the keys of a shard."""
        return frozenset(self._keys.get(shard, ()))
