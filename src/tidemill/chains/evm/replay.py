"""How does a recording give the same steps again: its START entry holds all that the machine began with."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from tidemill.chains.evm.config import EvmConfig, without_secrets
from tidemill.chains.evm.follower import EvmFollower
from tidemill.chains.evm.steps import Step
from tidemill.chains.evm.window import read_checkpoint
from tidemill.core.recording import Entry, Kind, read_recording
from tidemill.schema.faults import Malformed

QUESTIONS = 3
"""Counts the changes of what the machine asks of nodes: answers to other questions tell it nothing."""


class Start(Struct, frozen=True, kw_only=True):
    """What a run began with."""

    kind: str = "evm"
    questions: int = 1
    """The `QUESTIONS` of the program that ran."""
    run_id: str
    config: EvmConfig
    state: dict[str, str]
    """State keys and values as they were, in hexadecimal: the checkpoint's and what else the run's owner
    keeps.
    """

    def state_items(self) -> list[tuple[bytes, bytes]]:
        """Return the state's keys and values."""
        return [(bytes.fromhex(key), bytes.fromhex(value)) for key, value in self.state.items()]


def start_entry(config: EvmConfig, run_id: str, state: Mapping[bytes, bytes], recv_ns: int) -> Entry:
    """Return the entry with which a run, and its recording, begins; endpoints go without their secrets."""
    start = Start(
        questions=QUESTIONS,
        run_id=run_id,
        config=without_secrets(config),
        state={key.hex(): value.hex() for key, value in state.items()},
    )
    return Entry(Kind.START, recv_ns, "", msgspec.json.encode(start))


def read_start(entry: Entry) -> Start:
    """Return what a run began with. Raises: Malformed."""
    if entry.kind is not Kind.START:
        raise Malformed(f"recording: expected a START entry first, found {entry.kind.name}")
    try:
        return msgspec.json.decode(entry.data, type=Start)
    except msgspec.MsgspecError as error:
        raise Malformed(f"recording: the START entry cannot be read: {error}") from error


def begin(entry: Entry) -> tuple[Start, EvmFollower]:
    """Return the machine that a START entry describes. Raises: Malformed, or Refused for its
    configuration.
    """
    start = read_start(entry)
    checkpoint = read_checkpoint(start.state_items(), start.config.source)
    return start, EvmFollower(start.config, checkpoint, start.run_id)


def replay(
    path: Path, on_start: Callable[[Start], None], on_fault: Callable[[Malformed], None]
) -> Iterator[Step]:
    """Yield the steps of a recording, one a chunk; `on_start` is called first, with what the run began with.

    Raises: Malformed where the file is no recording of this kind, Unreachable where it cannot be read.
    """
    follower: EvmFollower | None = None
    for entries in read_recording(path, on_fault):
        if follower is None:
            start, follower = begin(entries[0])
            on_start(start)
        yield follower.step(entries)
