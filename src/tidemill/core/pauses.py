"""Where Arrow's buffers come from, where a pause of some milliseconds counts."""

import pyarrow as pa


def avoid_pauses() -> None:
    """Have Arrow allocate from a pool that does not stop for milliseconds at times.

    Its default, mimalloc, spent 6 to 9 ms in one of some thirty encodings of a block beside a store that
    allocates as well; jemalloc did not, nor does the system's pool, which stands in where it is not built in.
    """
    try:
        pa.set_memory_pool(pa.jemalloc_memory_pool())
    except NotImplementedError:
        pa.set_memory_pool(pa.system_memory_pool())
