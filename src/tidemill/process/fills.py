"""How far is each own fill settled: what was matched and never settled is told as a ghost.

A match is final for the venue's books before its transaction is mined; where that fails silently, nothing
more is heard of it.
"""

from msgspec.structs import replace

from tidemill.schema.events import FillStatus, OwnFill

_OPEN = (FillStatus.MATCHED, FillStatus.RETRYING)
_ENDED = (FillStatus.CONFIRMED, FillStatus.FAILED)


class FillWatch:
    """Own fills that wait to be settled, the oldest first; beyond `fills_max` the oldest are forgotten."""

    def __init__(self, ghost_after_ns: int, connection: str, fills_max: int = 100_000) -> None:
        self._ghost_after_ns = ghost_after_ns
        self._connection = connection
        self._fills_max = fills_max
        self._waiting: dict[tuple[str, str], tuple[int, OwnFill]] = {}
        self._ended: dict[tuple[str, str], None] = {}
        """Of which all was told: what is heard late or again has them wait no more."""
        self._sequence = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def take(self, fill: OwnFill, now_ns: int) -> None:
        """Take note of a fill's status, heard now."""
        key = (fill.trade_id, fill.order_id)
        if fill.status not in _OPEN:
            self._waiting.pop(key, None)
            if fill.status in _ENDED:
                self._end(key)
            return
        if key in self._ended:
            return
        since_ns, _ = self._waiting.get(key, (now_ns, fill))
        self._waiting[key] = (since_ns, fill)
        if len(self._waiting) > self._fills_max:
            del self._waiting[next(iter(self._waiting))]

    def due(self, now_ns: int) -> list[OwnFill]:
        """Return the fills of which nothing more was heard in time, as ghosts, once each."""
        ghosts: list[OwnFill] = []
        for key, (since_ns, fill) in list(self._waiting.items()):
            if now_ns - since_ns < self._ghost_after_ns:
                continue
            del self._waiting[key]
            self._end(key)
            self._sequence += 1
            ghosts.append(
                replace(
                    fill,
                    event_ns=now_ns,
                    recv_ns=now_ns,
                    connection=self._connection,
                    sequence=self._sequence,
                    row=0,
                    status=FillStatus.GHOST,
                )
            )
        return ghosts

    def _end(self, key: tuple[str, str]) -> None:
        self._ended[key] = None
        if len(self._ended) > self._fills_max:
            del self._ended[next(iter(self._ended))]
