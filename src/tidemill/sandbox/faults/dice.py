"""What does chance decide: always the same for one seed and one thing, in whatever order it is asked."""

from hashlib import blake2b

_ROLLS = 2**64


class Dice:
    """Decisions drawn from a seed; it has no state, so an order of questions cannot change an answer."""

    def __init__(self, seed: int) -> None:
        self._key = blake2b(str(seed).encode(), digest_size=32).digest()

    def roll(self, kind: str, *identity: int | bytes) -> int:
        """Return a number below 2^64 for what `identity` names."""
        named = kind.encode()
        for part in identity:
            plain = part if isinstance(part, bytes) else str(part).encode()
            named += b"\0%d:%b" % (len(plain), plain)
        return int.from_bytes(blake2b(named, key=self._key, digest_size=8).digest(), "little")

    def hits(self, one_in: int | None, kind: str, *identity: int | bytes) -> bool:
        """Say whether it happens to what `identity` names; never where `one_in` is None."""
        return one_in is not None and self.roll(kind, *identity) % one_in == 0

    def share(self, kind: str, *identity: int | bytes) -> float:
        """Return a number from 0 to below 1 for what `identity` names."""
        return self.roll(kind, *identity) / _ROLLS

    def key(self, kind: str) -> int:
        """Return a secret number below 2^256."""
        return int.from_bytes(blake2b(kind.encode(), key=self._key, digest_size=32).digest(), "little")
