"""Has it caught up: what it is waited for, and what to do about each."""

from collections.abc import Iterator

from msgspec import Struct

from tidemill.serve.config import ReadySettings
from tidemill.serve.program import ChainState, ProgramState, VenueState

_CONNECTING = "check its endpoints with `tidemill doctor`; they are tried again by themselves"
_ENDED = "correct what its last fault says in the settings, and start again"


class Wait(Struct, frozen=True):
    """One thing that has not caught up."""

    part: str
    """bus, store, chain:NAME or venue:NAME."""
    found: str
    """What was expected, and what was found."""
    remedy: str
    """What to do."""


class ReadyAnswer(Struct, frozen=True):
    """The answer of `GET /ready`."""

    is_ready: bool
    waits: tuple[Wait, ...]
    """None where it is ready."""


def readiness_of(state: ProgramState, limits: ReadySettings) -> ReadyAnswer:
    """Say whether all that is read is where its source is, and all of it can be queried."""
    waits = tuple(_waits(state, limits))
    return ReadyAnswer(not waits, waits)


def _waits(state: ProgramState, limits: ReadySettings) -> Iterator[Wait]:
    if not state.is_bus_up:
        yield Wait(
            "bus",
            "expected the last commit to find room, it found none",
            "bring back the consumer that is behind, make room on the disk, or raise bus.size_max_bytes",
        )
    if state.has_store and not state.is_store_up:
        yield Wait(
            "store",
            "expected it to take what was written last, it did not",
            "`tidemill status` has its fault: disk, password or server; it is tried again by itself",
        )
    waiting = sum(topic.waiting_batches for topic in state.topics.values())
    if waiting > limits.waiting_batches_max:
        yield Wait(
            "store",
            f"expected at most {limits.waiting_batches_max} batches to wait for it, found {waiting}",
            "wait; where it does not fall, give the store a quicker disk or a server of its own",
        )
    for chain in state.chains:
        yield from _chain(chain, limits)
    for venue in state.venues:
        yield from _venue(venue)


def _chain(chain: ChainState, limits: ReadySettings) -> Iterator[Wait]:
    part = f"chain:{chain.source}"
    if not chain.is_up:
        remedy = _CONNECTING if chain.state == "connecting" else _ENDED
        yield Wait(part, f"expected it to be read, it is {chain.state}", remedy)
        return
    behind = chain.behind_blocks
    if behind is None:
        yield Wait(part, "expected a block of it, none has come yet", _CONNECTING)
    elif behind > limits.behind_blocks_max:
        yield Wait(
            part,
            f"expected at most {limits.behind_blocks_max} blocks behind its endpoints, found {behind}",
            "wait; where it does not fall, add a nearer endpoint to its fallbacks",
        )


def _venue(venue: VenueState) -> Iterator[Wait]:
    if not venue.is_up:
        remedy = _ENDED if venue.state == "refused" else _CONNECTING
        yield Wait(f"venue:{venue.source}", f"expected it to be live, it is {venue.state}", remedy)
