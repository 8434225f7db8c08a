"""What becomes of one message after another on its way to the client, whatever it says about the chain."""

from collections.abc import Sequence

from msgspec import Struct

from tidemill.sandbox.faults.dice import Dice
from tidemill.sandbox.faults.injected import Injected
from tidemill.sandbox.faults.logs import LogDropper
from tidemill.sandbox.faults.scenario import Scenario

_SPOILT_BYTES = 16
_NOISE = bytes(range(1, 9))
"""Control characters: text for a WebSocket, but in no place of a JSON document."""


class Spoilt(Struct, frozen=True):
    """What is sent in the place of one message."""

    messages: Sequence[bytes]
    delay_ms: float = 0
    """From when the message came."""
    is_cut: bool = False
    """The connection is aborted, without the message."""
    injected: Sequence[Injected] = ()
    is_held: bool = False
    """A message waits for the next one, or for `release`."""


class Stream:
    """One WebSocket's messages, or all answers over HTTP (connection 0)."""

    def __init__(self, scenario: Scenario, dice: Dice, connection: int) -> None:
        self._dice = dice
        self._connection = connection
        self._count = 0
        self._held: bytes | None = None
        self.change(scenario)

    def change(self, scenario: Scenario) -> None:
        """Have other faults from the next message on."""
        dice, one_in = self._dice, scenario.drop_log
        self._scenario = scenario
        self._logs = (
            None
            if one_in is None
            else LogDropper(lambda block, index: dice.hits(one_in, "drop_log", block, index))
        )

    def take(self, message: bytes, now_ns: int, method: str | None = None) -> Spoilt:
        """Return what is sent for the next message; the same calls in the same order give the same."""
        self._count += 1
        injected: list[Injected] = []
        left = self._without_logs(message, now_ns, method, injected)
        if left is None:
            return Spoilt((), injected=injected)
        one_in = self._scenario.disconnect
        if isinstance(one_in, int) and self._happens("disconnect", one_in, now_ns, injected):
            return Spoilt((), is_cut=True, injected=injected)
        if self._happens("drop", self._scenario.drop, now_ns, injected):
            return Spoilt((), injected=injected)
        left = self._broken(left, now_ns, injected)
        messages, is_held = self._arranged(left, now_ns, injected)
        return Spoilt(messages, self._delay_ms(), injected=injected, is_held=is_held)

    def release(self) -> bytes | None:
        """Return the message that waits for a next one, if any, and forget it."""
        held, self._held = self._held, None
        return held

    def _without_logs(
        self, message: bytes, now_ns: int, method: str | None, injected: list[Injected]
    ) -> bytes | None:
        if self._logs is None:
            return message
        left, gone = self._logs.spoil(message)
        for block_hash, log_index in gone:
            one = self._injected("drop_log", now_ns)
            one.block_hash, one.log_index, one.method = block_hash, log_index, method
            injected.append(one)
        return left

    def _broken(self, message: bytes, now_ns: int, injected: list[Injected]) -> bytes:
        if len(message) > 1 and self._happens("truncate", self._scenario.truncate, now_ns, injected):
            message = message[: 1 + self._place("truncate", len(message) - 1)]
        if message and self._happens("garbage", self._scenario.garbage, now_ns, injected):
            at = self._place("garbage", max(1, len(message) - _SPOILT_BYTES))
            noise = bytes(_NOISE[self._place("noise", 8, n)] for n in range(min(_SPOILT_BYTES, len(message))))
            message = message[:at] + noise + message[at + len(noise) :]
        return message

    def _arranged(
        self, message: bytes, now_ns: int, injected: list[Injected]
    ) -> tuple[tuple[bytes, ...], bool]:
        if not self._connection:  # one answer to one question: nothing to repeat or to change places with
            return (message,), False
        messages = (message,)
        if self._happens("duplicate", self._scenario.duplicate, now_ns, injected):
            messages = (message, message)
        held = self.release()
        if held is not None:
            return (*messages, held), False
        if (
            len(messages) == 1
            and b'_subscription"' in message  # an answer that waited would stop a client that waits for it
            and self._happens("reorder", self._scenario.reorder, now_ns, injected)
        ):
            self._held = message
            return (), True
        return messages, False

    def _delay_ms(self) -> float:
        slow_ms = self._scenario.slow_ms
        if slow_ms is None:
            return 0
        return slow_ms * (0.5 + self._dice.share("slow_ms", self._connection, self._count))

    def _happens(self, kind: str, one_in: int | None, now_ns: int, injected: list[Injected]) -> bool:
        if not self._dice.hits(one_in, kind, self._connection, self._count):
            return False
        injected.append(self._injected(kind, now_ns))
        return True

    def _injected(self, kind: str, now_ns: int) -> Injected:
        return Injected(kind, now_ns, connection=self._connection, message=self._count)

    def _place(self, kind: str, below: int, *more: int) -> int:
        return self._dice.roll(f"{kind} place", self._connection, self._count, *more) % below
