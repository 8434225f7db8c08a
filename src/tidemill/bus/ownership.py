"""Make sure that one process alone writes to a folder: a lock that the kernel drops with the process."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from tidemill.schema.faults import Refused, Unreachable


class FolderLock:
    """An exclusive lock on a folder, as a context manager; the folder is made where it is missing.

    Raises: on entry, Refused where another holder has it; Unreachable where the folder cannot be written.
    """

    def __init__(self, folder: Path, what: str) -> None:
        self._file = folder / "owner.lock"
        self._what = what
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise Unreachable(
                f"{self._what} {self._file.parent}: expected a folder to write to: {error}"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise Refused(
                f"{self._what} {self._file.parent}: expected to be its only writer, "
                f"but process {holder} holds it; stop that process, or use another folder"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
