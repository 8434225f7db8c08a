"""Is a block on no chain any more: not where one endpoint lacks it, which may be behind, but where all do."""

from tidemill.chains.evm.calls import Calls

_NULLS_OF_ONE_MAX = 6
"""So often, over some seconds, a block may be lacking though an endpoint that never answers was not heard."""


class Absent:
    """Counts who lacks which block."""

    def __init__(self, calls: Calls, nulls_max: int) -> None:
        self._calls = calls
        self._nulls_max = nulls_max
        self._count = 0
        self._lacking: dict[int | bytes, list[int]] = {}

    def clear(self) -> None:
        """Begin anew."""
        self._count = 0
        self._lacking.clear()

    def found_none(self, key: int | bytes) -> bool:
        """Note that the endpoint that answers lacks a block; return whether it is to be given up."""
        self._count += 1
        lacking = self._lacking.setdefault(key, [])
        lacking.append(self._calls.answered_by)
        is_told_by_all = self._calls.links.open_endpoints <= set(lacking)
        return self._count >= self._nulls_max and (is_told_by_all or len(lacking) >= _NULLS_OF_ONE_MAX)
