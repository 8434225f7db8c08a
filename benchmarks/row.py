"""One measured figure beside its limit."""

from typing import Literal, NamedTuple


class Row(NamedTuple):
    """One line of the table that `make bench` prints."""

    what: str
    measured: float
    unit: str
    limit: float | None = None
    better: Literal["higher", "lower"] = "higher"
    note: str = ""
    """What the figure leaves out, or what the peer took."""

    @property
    def holds(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        if self.limit is None:
            return None
        return self.measured >= self.limit if self.better == "higher" else self.measured <= self.limit
