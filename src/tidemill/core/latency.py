"""Count how long things took, in fixed logarithmic buckets: constant memory, quantiles to within 4 %."""

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Times = npt.NDArray[np.int64]
"""Moments, ns since 1970-01-01 UTC."""

_PER_OCTAVE = 16
_OCTAVES = 44
"""Up to 2^44 ns, five hours; what took longer is counted in the last bucket."""


class Latency:
    """A histogram of durations in ns."""

    def __init__(self) -> None:
        self._counts = np.zeros(_PER_OCTAVE * _OCTAVES + 1, np.int64)
        self.count = 0
        self.sum_ns = 0
        self.max_ns = 0

    def add(self, duration_ns: int, times: int = 1) -> None:
        """Count `times` durations; a negative one, of a clock set back, counts as 0."""
        held = max(duration_ns, 1)
        bucket = min(int(math.log2(held) * _PER_OCTAVE), len(self._counts) - 1)
        self._counts[bucket] += times
        self.count += times
        self.sum_ns += max(duration_ns, 0) * times
        self.max_ns = max(self.max_ns, duration_ns)

    def add_since(self, times: Times, now_ns: int) -> None:
        """Count for each of `times` how long ago it was."""
        self.add_all(now_ns - times)

    def add_all(self, durations_ns: Times) -> None:
        """Count durations, as `add` does each."""
        if not len(durations_ns):
            return
        octaves = np.log2(np.maximum(durations_ns, 1))
        buckets = np.minimum((octaves * _PER_OCTAVE).astype(np.int64), len(self._counts) - 1)
        self._counts += np.bincount(buckets, minlength=len(self._counts))
        self.count += len(durations_ns)
        self.sum_ns += int(np.maximum(durations_ns, 0).sum())
        self.max_ns = max(self.max_ns, int(durations_ns.max()))

    def quantile_ns(self, share: float) -> int | None:
        """Return the duration that `share` (0 to 1) of all do not exceed, rounded up; None for none."""
        if not self.count:
            return None
        wanted = max(1, math.ceil(share * self.count))
        seen = 0
        for bucket, count in enumerate(self._counts.tolist()):
            seen += count
            if seen >= wanted:
                return min(math.ceil(2 ** ((bucket + 1) / _PER_OCTAVE)), max(self.max_ns, 1))
        return self.max_ns

    def counts_below(self, bounds_ns: Sequence[int]) -> list[int]:
        """Return how many took less than each bound, which are ascending.

        A duration counts as its bucket's end, so that what is told is never quicker than it was.
        """
        below = [0, *accumulate(self._counts.tolist())]
        return [below[min(int(math.log2(bound) * _PER_OCTAVE), len(self._counts))] for bound in bounds_ns]

    def summary_ms(self) -> dict[str, float | int | None]:
        """Return count, p50, p99 and maximum, in ms with three decimals."""
        p50, p99 = self.quantile_ns(0.5), self.quantile_ns(0.99)
        return {
            "count": self.count,
            "p50_ms": None if p50 is None else round(p50 / 1e6, 3),
            "p99_ms": None if p99 is None else round(p99 / 1e6, 3),
            "max_ms": round(self.max_ns / 1e6, 3) if self.count else None,
        }


def times_of(batch: pa.RecordBatch, column: str = "recv_ns") -> Times:
    """Return a column of times."""
    return batch.column(column).view(pa.int64()).to_numpy()
