"""Run a command's coroutine until it ends, or until Ctrl-C or SIGTERM asks it to."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")


def run(work: Coroutine[Any, Any, R]) -> R | None:
    """Run `work` to its end; a signal cancels it, once, and None is returned then."""
    return asyncio.run(_until_signal(work))


async def _until_signal(work: Coroutine[Any, Any, R]) -> R | None:
    task = asyncio.ensure_future(work)
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if not stopped:
            raise
        return None
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def until_stopped(seconds: float | None) -> bool:
    """Wait for `seconds`, or for ever where None; return False where a signal ended the wait before.

    For commands that have work to do after Ctrl-C: the first signal ends the wait, not the command.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        async with asyncio.timeout(seconds):
            await stopped.wait()
    except TimeoutError:
        return True
    finally:  # a second signal ends the command at once
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return False
