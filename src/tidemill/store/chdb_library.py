"""The embedded ClickHouse's library, loaded so that its memory and its threads suit this process.

Import it from here: it is set up as it is loaded, and that happens once.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

from tidemill.core.priority import give_way

NICE = 5
"""The priority of the engine's threads: an insert has 250 ms to be seen, a frame 5 ms to be on the bus."""

# Freed memory goes back to the system after 0.4 s. By the engine's own 5 s an export holds up to 100 MB more
# that nobody uses. It costs queries of the widest table some 5% of the processor.
os.environ.setdefault("JE_MALLOC_CONF", "dirty_decay_ms:400")

# The threads that will merge are started as the library is loaded, with the loading thread's priority.
with ThreadPoolExecutor(1, "load-chdb", give_way, (NICE,)) as _loading:
    _loading.submit(import_module, "chdb").result()

from chdb import ChdbError  # noqa: E402 it is loaded by now
from chdb.session import Session  # noqa: E402 as above

__all__ = ["NICE", "ChdbError", "Session"]
