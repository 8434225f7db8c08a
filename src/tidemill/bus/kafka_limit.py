"""End the wait for a call of the library that may not end by itself, whatever limit it was given."""

import threading
from collections.abc import Callable

from tidemill.schema.faults import Unreachable


def within(limit_s: float, call: Callable[[], object], what: str) -> None:
    """Run `call` in a thread of its own, and wait so long for it; what it raises is raised here.

    Raises: Unreachable, where it has not ended by then: its thread is left, and ends with the process at the
    latest.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="kafka call", daemon=True)
    thread.start()
    thread.join(limit_s)
    if thread.is_alive():
        raise Unreachable(f"kafka: expected {what} within {limit_s:g} s")
    if raised:
        raise raised[0]
