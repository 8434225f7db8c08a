"""Who waits for whom, where there are fewer cores than threads with work."""

import os
import sys
import threading


def give_way(nice: int) -> None:
    """Have this thread, and what it starts, give way to threads with a lower `nice`."""
    if sys.platform != "linux":  # elsewhere a nice value is the whole process's
        return
    if os.sched_getscheduler(0) == os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    thread = threading.get_native_id()
    if os.getpriority(os.PRIO_PROCESS, thread) < nice:
        os.setpriority(os.PRIO_PROCESS, thread, nice)


def leave_a_core() -> None:
    """Keep this thread, and those that it starts, off the first core, where there is another.

    A thread that once takes a core keeps it for a tick of 4 ms, whatever its `nice`, and even while another
    core is idle.
    """
    if sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[1:] or cores)
