"""What does a target do: say what it has, where files are kept until they are whole, and take them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tidemill.export.manifest import Manifest
from tidemill.export.request import ExportRequest
from tidemill.schema.faults import Refused
from tidemill.store.snapshot import Snapshot

_RUN = "run-{:05d}"
"""What the folders of an incremental export are called."""


class Place(NamedTuple):
    """Where one export goes in its target."""

    name: str
    """Empty where it is the target itself, `run-00001` and so on where it is one of several."""
    staging: Path
    since: Snapshot | None
    """What the target has."""

    def check(self, snapshot: Snapshot) -> None:
        """Raise Refused where what the target has is not of the store that the snapshot is of."""
        if self.since is not None and self.since.store != snapshot.store:
            raise Refused(
                f"incremental: expected the store {self.since.store}, whose rows the target has,"
                f" found {snapshot.store}"
            )


class Target(ABC):
    """A place for exports."""

    @abstractmethod
    async def place(self, request: ExportRequest) -> Place:
        """Return where the export goes. Raises: Refused, where something is there; Unreachable;
        OSError, where this machine's disk says no.
        """

    @abstractmethod
    async def publish(self, place: Place, files: Path) -> None:
        """Take the files of a folder, the manifest last. Raises: Refused, Unreachable, OSError."""


def next_run(runs: Iterable[tuple[str, Manifest]], request: ExportRequest) -> tuple[str, Snapshot | None]:
    """Return the name of the next run of an incremental export, and what those before it have.

    Raises: Refused, where they were asked for otherwise.
    """
    last = max(runs, default=None, key=lambda run: number_of(run[0]))
    if last is None:
        return _RUN.format(1), None
    name, manifest = last
    if manifest.request != request:
        raise Refused(
            f"incremental: expected the request that made {name}, found another: choose another target"
        )
    return _RUN.format(number_of(name) + 1), manifest.snapshot


def number_of(run: str) -> int:
    """Return the number in a run's name."""
    return int(run.rpartition("-")[2])


def is_run(name: str) -> bool:
    """Say whether a folder of this name is a run of an incremental export."""
    head, _, number = name.rpartition("-")
    return head == "run" and number.isdecimal()
