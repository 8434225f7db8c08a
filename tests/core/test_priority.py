"""What gives way does so alone: other threads keep their place."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

from tidemill.core.priority import give_way, leave_a_core


def place() -> tuple[int, int, set[int]]:
    nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    return os.sched_getscheduler(0), nice, os.sched_getaffinity(0)


def test_a_thread_gives_way_and_the_others_do_not() -> None:
    before = place()
    with ThreadPoolExecutor(1, initializer=give_way, initargs=(7,)) as threads:
        assert threads.submit(place).result() == (os.SCHED_BATCH, max(7, before[1]), before[2])
        threads.submit(give_way, 3).result()
        assert threads.submit(place).result()[1] == max(7, before[1]), "a higher priority cannot be taken"
    assert place() == before


def test_the_first_core_is_left_where_there_is_another() -> None:
    before = place()[2]
    with ThreadPoolExecutor(1, initializer=leave_a_core) as threads:
        assert threads.submit(place).result()[2] == (set(sorted(before)[1:]) or before)
        threads.submit(os.sched_setaffinity, 0, {max(before)}).result()
        threads.submit(leave_a_core).result()
        assert threads.submit(place).result()[2] == {max(before)}, "the only core is kept"
    assert place()[2] == before
