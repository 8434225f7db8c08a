"""Which questions are open, where they were asked, and when they are asked again.

A question stays open until its handler accepts an answer. Each sending has an id of its own, so an answer
that comes after its question was asked again is unknown, counted and ignored.
"""

from collections.abc import Callable
from functools import partial

from msgspec import Struct

from tidemill._rust import Answer
from tidemill.chains.evm.answers import RpcError, fault_of
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.links import Links
from tidemill.chains.evm.scorecard import Vice
from tidemill.chains.evm.steps import Call, Step
from tidemill.core.clock import NS_PER_MS
from tidemill.schema.faults import Fault, Malformed, Refused, Unreachable, Unsafe

OnAnswer = Callable[[bytes], None]
"""Takes a result's JSON. Raises Malformed, Gap or Unreachable to have it asked again, Refused or Unsafe to
stop.
"""
OnError = Callable[[RpcError], bool]
"""Takes an error; False has the question asked again."""


class Failed(Struct, frozen=True):
    """The data of a FAILED entry: these calls will not be answered where they were sent."""

    fault: str
    """Class of the fault, by name."""
    message: str
    ids: tuple[int, ...] = ()
    retry_after_ms: int | None = None
    too_large: bool = False


class _Question(Struct, eq=False):
    method: str
    params: object
    then: OnAnswer
    fails: OnError | None
    owner: object
    bulk: bool
    other_than: frozenset[int] = frozenset()
    """Endpoints that must not be asked."""
    attempts: int = 0
    sent_ns: int = 0
    connection: str = ""
    lost: Callable[[], None] | None = None
    """Of one that only the connection it was sent on can answer: what is done where that fails."""


class Calls:
    """The open questions of one machine."""

    def __init__(self, config: EvmConfig) -> None:
        self.step = Step()
        self.now_ns = 0
        self.unknown_count = 0
        self.links = Links(config)
        self.answered_by = 0
        """The endpoint whose answer or announcement is being handled."""
        self.answered_on = ""
        """The connection whose answer is being handled."""
        self.newest = object()
        """Owns the questions for the newest block."""
        self._config = config
        self._next_id = 1
        self._sent: dict[int, _Question] = {}
        self._held: list[_Question] = []
        self._due: list[tuple[int, _Question]] = []
        self._later: list[tuple[int, Callable[[], None], object]] = []
        self._served: set[tuple[int, str]] = set()
        """The methods that each endpoint has answered."""
        self._where = f"chain {config.source}"

    def ask(
        self,
        method: str,
        params: object,
        then: OnAnswer,
        *,
        fails: OnError | None = None,
        owner: object = None,
        other_than: frozenset[int] = frozenset(),
    ) -> None:
        """Ask over a WebSocket, or over HTTP where that is all there is; not at `other_than`."""
        self._send(_Question(method, params, then, fails, owner, bulk=False, other_than=other_than))

    def ask_bulk(
        self,
        method: str,
        params: object,
        then: OnAnswer,
        *,
        fails: OnError | None = None,
        owner: object = None,
    ) -> None:
        """Ask over HTTP where there is one, and over the WebSocket otherwise."""
        self._send(_Question(method, params, then, fails, owner, bulk=True))

    def ask_at(self, connection: str, method: str, params: object, then: OnAnswer) -> None:
        """Ask on this very connection, once: the question dies with the connection."""
        self._place(_Question(method, params, then, None, self, bulk=False), connection)

    def ask_back(
        self,
        method: str,
        params: object,
        then: OnAnswer,
        *,
        fails: OnError,
        lost: Callable[[], None],
        owner: object,
    ) -> None:
        """Ask the connection whose answer is being handled; `lost` is called where it has no good answer."""
        question = _Question(method, params, then, fails, owner, bulk=True, lost=lost)
        self._place(question, self.answered_on)

    def is_asking(self, owner: object) -> bool:
        """Whether a question of `owner` is open."""
        waiting = (*self._sent.values(), *self._held, *(question for _, question in self._due))
        return any(question.owner is owner for question in waiting)

    def retry(self, fault: Fault, again: Callable[[], None], *, owner: object, attempts: int = 1) -> None:
        """Report `fault`, and run `again` after a wait that each of the attempts so far has doubled."""
        self.step.faults.append(fault)
        self.wait(self._retry_ms(attempts), again, owner=owner)

    def wait(self, wait_ms: int, then: Callable[[], None], *, owner: object) -> None:
        """Run `then` after a while, unless what `owner` asked is dropped before."""
        self._later.append((self.now_ns + wait_ms * NS_PER_MS, then, owner))

    def drop(self, owner: object) -> None:
        """Forget every question of `owner`."""
        self._sent = {key: asked for key, asked in self._sent.items() if asked.owner is not owner}
        self._held = [asked for asked in self._held if asked.owner is not owner]
        self._due = [(due_ns, asked) for due_ns, asked in self._due if asked.owner is not owner]
        self._later = [later for later in self._later if later[2] is not owner]

    @property
    def open_count(self) -> int:
        """How many questions wait for an answer."""
        return len(self._sent) + len(self._held) + len(self._due) + len(self._later)

    def opened(self, connection: str) -> None:
        """Note that a connection leads to the right chain; send what waited for one."""
        self.links[connection].is_open = True
        held, self._held = self._held, []
        for question in held:
            self._send(question)

    def closed(self, connection: str) -> None:
        """Ask again, elsewhere or later, what was asked on a connection that is gone."""
        self.links[connection].close()
        lost = [key for key, asked in self._sent.items() if asked.connection == connection]
        for question in [self._sent.pop(key) for key in lost]:
            self._ask_elsewhere(question)
        self._due = [
            (due_ns, asked)
            for due_ns, asked in self._due
            if asked.owner is not self or asked.connection != connection
        ]

    def answered(self, answer: Answer) -> None:
        """Give an answer to whom it belongs."""
        question = None if answer.id is None else self._sent.pop(answer.id, None)
        if question is None:
            self.unknown_count += 1
            return
        link = self.links[question.connection]
        self.answered_by, self.answered_on = link.endpoint, link.name
        if answer.error is not None:
            self._erred(question, RpcError(*answer.error))
        else:
            link.card.answered((self.now_ns - question.sent_ns) / NS_PER_MS)
            link.breaker.succeeded()
            self._served.add((link.endpoint, question.method))
            result = answer.result or b"null"
            self._accept(question, partial(question.then, result), result)

    def failed(self, failed: Failed) -> None:
        """Ask again what a transport could not get answered."""
        open_ids = [key for key in failed.ids if key in self._sent]
        if failed.ids and not open_ids:
            return
        self.step.faults.append(_named_fault(failed.fault, failed.message))
        for question in [self._sent.pop(key) for key in open_ids]:
            error = RpcError.too_large_error(failed.message)
            if failed.too_large and question.fails is not None and question.fails(error):
                continue
            is_limit = failed.retry_after_ms is not None or "HTTP 429" in failed.message
            self._blame(question, Vice.LIMITED if is_limit else Vice.FAILED)
            self._again(question, failed.retry_after_ms)

    def tick(self) -> None:
        """Ask again what is due, and what has waited for an answer for too long."""
        soonest_ms = min(self._config.patience_ms, self._config.answer_timeout_ms)
        old_ns = self.now_ns - soonest_ms * NS_PER_MS
        for key, question in [(key, asked) for key, asked in self._sent.items() if asked.sent_ns < old_ns]:
            patience_ms = self._patience_ms(question)
            if self.now_ns - question.sent_ns <= patience_ms * NS_PER_MS:
                continue
            del self._sent[key]
            self.step.faults.append(
                Unreachable(
                    f"{self._where}: {question.connection}: expected an answer to {question.method} within"
                    f" {patience_ms} ms, found none"
                )
            )
            self._blame(question, Vice.FAILED)
            if self._ask_elsewhere(question):
                continue
            if self.links[question.connection].is_ws:
                self.step.reconnect.append(question.connection)
            else:
                self._again(question, None)
        due = [question for due_ns, question in self._due if due_ns <= self.now_ns]
        self._due = [(due_ns, question) for due_ns, question in self._due if due_ns > self.now_ns]
        for question in due:
            self._send(question)
        later = [again for due_ns, again, _ in self._later if due_ns <= self.now_ns]
        self._later = [waiting for waiting in self._later if waiting[0] > self.now_ns]
        for again in later:
            again()

    def _ask_elsewhere(self, question: _Question) -> bool:
        """Have a question asked that its connection will not answer; not one that is for it alone."""
        if question.lost is not None:
            self._again(question, None)
        elif question.owner is not self:
            self._send(question)
        else:
            return False
        return True

    def _patience_ms(self, question: _Question) -> int:
        """Return how long an answer is waited for: less where another endpoint can be asked, and then longer
        each time, for an answer may be large.
        """
        whole_ms = self._config.answer_timeout_ms
        asked = self.links[question.connection].endpoint
        if question.owner is self or not self.links.open_endpoints - question.other_than - {asked}:
            return whole_ms
        return min(whole_ms, self._config.patience_ms << min(question.attempts - 1, 10))

    def _accept(self, question: _Question, handle: Callable[[], object], data: bytes) -> bool:
        """Run a handler; have the question asked again where what came was no use."""
        try:
            handle()
        except Malformed as unplaced:
            fault = self._placed(question, unplaced)
            self.step.quarantine.append((data, fault))
            self._blame(question, Vice.GARBLED)
            self._report(question, fault)
        except Fault as fault:
            self._report(question, fault)
        else:
            return True
        return False

    def _placed(self, question: _Question, fault: Malformed) -> Malformed:
        """Return a reader's fault with the chain and the endpoint that it speaks of."""
        if str(fault).startswith(self._where):
            return fault
        url = self.links[question.connection].url
        return Malformed(f"{self._where}: {url}: {question.method}: {fault}")

    def _erred(self, question: _Question, error: RpcError) -> None:
        handled = False

        def handle() -> None:
            nonlocal handled
            handled = question.fails is not None and question.fails(error)

        if not self._accept(question, handle, b"") or handled:
            return
        self._blame(question, Vice.LIMITED if error.is_busy else Vice.FAILED)
        fault = fault_of(error, f"{self._where}: {question.connection}: {question.method}")
        if (
            error.is_unknown_method
            and (self.links[question.connection].endpoint, question.method) in self._served
        ):
            # another node behind the same address, or one that is not whole yet: no setting is wrong
            fault = Unreachable(f"{fault}; it has answered it before")
        self._report(question, fault)

    def _report(self, question: _Question, fault: Fault) -> None:
        self.step.faults.append(fault)
        if isinstance(fault, Refused) and question.owner is not self:
            question.other_than |= {self.links[question.connection].endpoint}
            if len(question.other_than) < len(self.links.cards):
                self._again(question, 0)  # what one endpoint cannot do another may
                return
        is_alone = len(self.links.cards) == 1
        if isinstance(fault, Unsafe) or (
            isinstance(fault, Refused) and (is_alone or question.owner is not self)
        ):
            self.step.stop = fault
        else:
            self._again(question, None)

    def _again(self, question: _Question, wait_ms: int | None) -> None:
        if question.lost is not None:
            wait_ms = max(wait_ms or 0, self._config.retry_first_ms)
            self.wait(min(wait_ms, self._config.retry_max_ms), question.lost, owner=question.owner)
            return
        if wait_ms is None:
            wait_ms = self._retry_ms(question.attempts)
            if question.owner is self.newest:  # or a node that is back would be found late
                wait_ms = min(wait_ms, self._config.reconnect_max_ms)
        wait_ms = min(wait_ms, self._config.retry_max_ms)
        self._due.append((self.now_ns + wait_ms * NS_PER_MS, question))

    def _retry_ms(self, attempts: int) -> int:
        return min(self._config.retry_first_ms << min(max(attempts - 1, 0), 20), self._config.retry_max_ms)

    def _send(self, question: _Question) -> None:
        if question.owner is self:
            if self.links[question.connection].is_connected:
                self._place(question, question.connection)
            return
        link = self.links.choose(
            self.now_ns, bulk=question.bulk, last=question.connection, other_than=question.other_than
        )
        if link is None:
            self._held.append(question)
        else:
            self._place(question, link.name)

    def _blame(self, question: _Question, vice: Vice) -> None:
        link = self.links[question.connection]
        link.card.did(vice, self.now_ns)
        link.breaker.failed(self.now_ns)

    def _place(self, question: _Question, connection: str) -> None:
        question.attempts += 1
        question.sent_ns = self.now_ns
        question.connection = connection
        self._sent[self._next_id] = question
        self.step.calls.append(Call(self._next_id, connection, question.method, question.params))
        self._next_id += 1


def _named_fault(name: str, message: str) -> Fault:
    kinds: dict[str, type[Fault]] = {kind.__name__: kind for kind in (Malformed, Refused)}
    return kinds.get(name, Unreachable)(message)
