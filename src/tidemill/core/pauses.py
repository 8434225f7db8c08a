"""What stops a process for milliseconds now and then, and how it is kept from it where they count."""

import gc
import sys

import pyarrow as pa

_SWITCH_S = 0.000_5
"""How long a thread may keep the interpreter while another waits for it. At Python's 5 ms a commit can wait
that long for the writer's thread; in one pair of runs its p99 fell from 36 to 8 ms."""


_YOUNG_MAX = 20_000
"""So many objects may be new before the collector looks through them. At Python's 700 it did so several times
a block, and took a tenth of the event loop's time; what refers to nothing in a circle needs no collector."""


def avoid_pauses() -> None:
    """Have collections, threads and allocations stop nobody for milliseconds; call it once all is loaded.

    The objects of modules are no longer looked through: that took 6 to 9 ms. Arrow's default pool, mimalloc,
    spent as much in one of some thirty encodings of a block beside a store that allocates as well; jemalloc
    did not, nor does the system's pool, which stands in where jemalloc is not built in.
    """
    sys.setswitchinterval(_SWITCH_S)
    try:
        pa.set_memory_pool(pa.jemalloc_memory_pool())
    except NotImplementedError:
        pa.set_memory_pool(pa.system_memory_pool())
    gc.set_threshold(_YOUNG_MAX)
    gc.freeze()
