"""One measured figure beside its limit."""

from collections.abc import Sequence
from statistics import median
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
    samples: tuple[float, ...] = ()
    """What each run measured, where there were several; `measured` is their median."""

    @property
    def holds(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        if self.limit is None:
            return None
        return self.measured >= self.limit if self.better == "higher" else self.measured <= self.limit


def of_runs(runs: Sequence[Sequence[Row]]) -> list[Row]:
    """Return the rows of several runs of one benchmark as one run's: medians, with what each run measured."""
    if len(runs) == 1:
        return list(runs[0])
    by_what: dict[str, list[Row]] = {}
    for row in (row for run in runs for row in run):
        by_what.setdefault(row.what, []).append(row)
    return [
        same[-1]._replace(measured=median(samples), samples=samples)
        for same in by_what.values()
        for samples in [tuple(row.measured for row in same)]
    ]
