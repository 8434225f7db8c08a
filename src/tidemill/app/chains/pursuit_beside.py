"""Have a chain's pursuit done: within the step that brings it work, or in a thread beside the loop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import NamedTuple

from tidemill.app.chains.pursuit import BookNow, Pursued, Pursuit, Turn, is_usual
from tidemill.chains.evm.steps import Step

_WAITING_MAX = 64
"""Turns beyond which the chain waits: a pursuit that cannot keep up must not take all memory."""


class _Left(NamedTuple):
    turns: Sequence[Turn]
    were_left: bool


class PursuitBeside:
    """Hands work to a pursuit in order, and what came of it to `commit`.

    Until `run` runs, work waits for the next `work_off`; then it is taken up at once, in a thread. Whoever
    works off, or changes the pursuit, holds the `lock`.
    """

    def __init__(
        self, pursuit: Pursuit, commit: Callable[[Pursued], Awaitable[None]], *, searches_all: bool
    ) -> None:
        """`searches_all` has it search after each step, also where more wait, as a replay will."""
        self.pursuit = pursuit
        self.lock = asyncio.Lock()
        self._searches_all = searches_all
        self._commit = commit
        self._turns: list[_Left] = []
        self._books: dict[tuple[str, str], BookNow] = {}
        """The last that was told of each."""
        self._books_ns = 0
        self._is_working = False
        self._has_work = asyncio.Event()
        self._executor: Executor | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing waits, and what came of all is committed."""
        return not (self._turns or self._books or self.lock.locked() or self.pursuit.is_due)

    def can_wait(self, step: Step) -> bool:
        """Say whether a step may be committed before the pursuit follows it."""
        return self._executor is not None and is_usual(step) and len(self._turns) < _WAITING_MAX

    def put(self, turns: Sequence[Turn]) -> dict[bytes, bytes | None]:
        """Take the turns of a step that is about to be committed; return what to commit with it."""
        is_kept = bool(self._turns) or self._is_working or not self.pursuit.is_idle
        self._turns.append(_Left(turns, is_kept))
        return self.pursuit.left(turns) if is_kept else {}

    def start(self) -> None:
        """Have what was put taken up, now that its step is committed."""
        self._has_work.set()

    def put_books(self, books: Sequence[BookNow], recv_ns: int) -> None:
        """Take order books that changed."""
        self._books.update({(book.venue, book.instrument): book for book in books})
        self._books_ns = recv_ns
        self._has_work.set()

    async def follow(self, turns: Sequence[Turn]) -> Pursued:
        """Follow turns that are committed together with what comes of them."""

        def work() -> Pursued:
            self.pursuit.follow(turns, were_left=False)
            return self.pursuit.take()

        return await self._call(work)

    async def work_off(self) -> None:
        """Do all that waits, of several steps searching after the last only, if not all are to be."""
        while self._turns or self._books or self.pursuit.is_due:
            end = 1 if self._searches_all else len(self._turns)
            turns, self._turns = self._turns[:end], self._turns[end:]
            books, self._books = list(self._books.values()), {}
            recv_ns = self._books_ns

            def work(
                turns: list[_Left] = turns, books: list[BookNow] = books, recv_ns: int = recv_ns
            ) -> Pursued:
                for one in turns:
                    self.pursuit.follow(one.turns, were_left=one.were_left)
                self.pursuit.search()
                if books:
                    self.pursuit.search_books(books, recv_ns)
                return self.pursuit.take()

            await self._commit(await self._call(work))

    async def run(self) -> None:
        """Work beside the loop until cancelled. The thread gives way to none (docs/decisions/0010)."""
        with ThreadPoolExecutor(1, thread_name_prefix="pursuit") as executor:
            self._executor = executor
            try:
                while True:
                    await self._has_work.wait()
                    self._has_work.clear()
                    async with self.lock:
                        await self.work_off()
            finally:
                self._executor = None

    async def _call(self, work: Callable[[], Pursued]) -> Pursued:
        if self._executor is None:
            return work()
        self._is_working = True
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._is_working = False
