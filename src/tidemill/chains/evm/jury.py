"""Which endpoint tells blocks that no other has: the majority of what all told of a number decides.

A verdict is passed two blocks later, for honest endpoints differ for a moment at every reorg; and only who
was in the minority three times in a row is convicted.
"""

from collections.abc import Iterable

from tidemill._rust import Head
from tidemill.chains.evm.scorecard import Scorecard, Vice

_NUMBERS_MAX = 64
_WAIT_BLOCKS = 2
_STRIKES = 3


class Jury:
    """Compares what the endpoints tell."""

    def __init__(self, cards: list[Scorecard]) -> None:
        self._cards = cards
        self._told: dict[int, dict[int, Head]] = {}
        self._strikes = [0] * len(cards)
        self._newest: dict[int, int] = {}
        """The number that each endpoint told last."""

    def hear(self, endpoint: int, head: Head, now_ns: int) -> list[int]:
        """Take what an endpoint told; return the endpoints that this convicts."""
        if len(self._cards) == 1:
            return []
        self._told.setdefault(head.number, {})[endpoint] = head
        convicted: list[int] = []
        self._newest[endpoint] = head.number
        # one endpoint alone, whatever number it tells, must not close the case of the others
        reached = sorted(self._newest.values())[-2:][0] - _WAIT_BLOCKS
        for number in sorted(number for number in self._told if number <= reached):
            convicted += self._judge(self._told.pop(number), now_ns)
        while len(self._told) > _NUMBERS_MAX:
            del self._told[max(self._told)]
        return convicted

    def has_told(self, head: Head, other_than: int) -> bool:
        """Whether an endpoint other than this one has told the same block."""
        told = self._told.get(head.number, {})
        return any(other.hash == head.hash for endpoint, other in told.items() if endpoint != other_than)

    def _judge(self, told: dict[int, Head], now_ns: int) -> Iterable[int]:
        truth = _truth(told)
        for endpoint, head in told.items() if truth is not None else ():
            if head.hash == truth:
                self._strikes[endpoint] = 0
                continue
            self._strikes[endpoint] += 1
            if self._strikes[endpoint] >= _STRIKES:
                self._strikes[endpoint] = 0
                self._cards[endpoint].did(Vice.WRONG_FORK, now_ns)
                yield endpoint


def _truth(told: dict[int, Head]) -> bytes | None:
    """Return the hash that most told; where as many told another, the one that its own header proves."""
    counts: dict[bytes, tuple[int, bool]] = {}
    for head in told.values():
        count, proven = counts.get(head.hash, (0, False))
        counts[head.hash] = (count + 1, proven or head.is_hash_proven)
    ranked = sorted(((count, proven, key) for key, (count, proven) in counts.items()), reverse=True)
    if len(ranked) < 2:
        return None
    (count, proven, best), (next_count, next_proven, _) = ranked[:2]
    return best if (count, proven) > (next_count, next_proven) else None
