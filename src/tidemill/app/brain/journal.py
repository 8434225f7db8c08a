"""What was decided, and why: durable before a signal is sent, and what no answer came to is sent again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from tidemill.bus import Bus, BusSettings, open_bus
from tidemill.schema import derive
from tidemill.schema.events import Decision, DecisionState

TOPIC = "decision"
_OPEN = b"open/"


class OpenSignal(Struct, frozen=True):
    """A signal that no answer came to yet."""

    decision: Decision
    """The last that was told of it."""
    body: bytes
    """What is sent, the same each time."""
    found_ns: int
    """When the block of its opportunity was read."""


class Journal:
    """The decisions of one process, on a bus of its own."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus

    async def opened(self) -> list[OpenSignal]:
        """Return what an earlier run sent, or was about to, without an answer."""
        return [msgspec.msgpack.decode(held, type=OpenSignal) for _, held in await self.bus.state(_OPEN)]

    async def refuse(self, decision: Decision) -> None:
        """Keep a decision of which nothing more comes. Raises: Unreachable."""
        await self.bus.commit([(TOPIC, derive.to_batch([decision]))])

    async def choose(self, signal: OpenSignal) -> None:
        """Keep a decision that is to be sent; when this returns it may be. Raises: Unreachable."""
        held = msgspec.msgpack.encode(signal)
        await self.bus.commit([(TOPIC, derive.to_batch([signal.decision]))], {_key(signal): held})

    async def close(self, signal: OpenSignal, state: DecisionState, reason: str, now_ns: int) -> Decision:
        """Keep what came of a signal, and return that. Raises: Unreachable."""
        told = structs.replace(
            signal.decision,
            state=state,
            reason=reason,
            event_ns=now_ns,
            sequence=signal.decision.sequence + 1,
        )
        await self.bus.commit([(TOPIC, derive.to_batch([told]))], {_key(signal): None})
        return told


def _key(signal: OpenSignal) -> bytes:
    return _OPEN + signal.decision.idempotency_key.encode()


def folder_of(data: Path) -> Path:
    """Return where the journal of a data folder lies."""
    return data / "brain"


@asynccontextmanager
async def open_journal(data: Path) -> AsyncIterator[Journal]:
    """Open the journal below a data folder. Raises: Refused, where another process has it; Unreachable."""
    folder = folder_of(data)
    folder.mkdir(parents=True, exist_ok=True)
    async with open_bus(f"lmdb://{folder}", BusSettings(sync="commit")) as bus:
        yield Journal(bus)
