"""Is anything to be sent at all: a switch that, once engaged, stays so until a person releases it."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from tidemill.schema.faults import Unreachable, Unsafe

FILE_NAME = "kill_switch.json"
_BY_FILE = "a file"


class Engaged(Struct, frozen=True, kw_only=True):
    """Why nothing is sent."""

    reason: str
    by: str
    """Who engaged it: `command`, `endpoint`, `limits`, or a file that somebody put there."""
    event_ns: int | None = None
    """When; None where a file does not say."""


class KillSwitch:
    """A file in the data folder: while there is one, whatever it holds, nothing is sent."""

    def __init__(self, data_folder: Path) -> None:
        self.file = data_folder / FILE_NAME

    @property
    def engaged(self) -> Engaged | None:
        """Why nothing may be sent; None where it may. One look at the folder: asked before each sending.

        A folder that cannot be looked into counts as engaged.
        """
        try:
            content = self.file.read_bytes()
        except FileNotFoundError:
            # The folder itself must be there, or the file could have gone with it.
            if self.file.parent.is_dir():
                return None
            return Engaged(reason=f"{self.file.parent} is missing", by=_BY_FILE)
        except OSError as error:
            return Engaged(reason=f"{self.file} cannot be read: {error.strerror}", by=_BY_FILE)
        try:
            return msgspec.json.decode(content, type=Engaged)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Engaged(reason=content[:200].decode(errors="replace").strip() or "no reason", by=_BY_FILE)

    def check(self) -> None:
        """Go on only while it is released. Raises: Unsafe."""
        engaged = self.engaged
        if engaged is not None:
            raise Unsafe(f"kill switch: expected to be released, engaged by {engaged.by}: {engaged.reason}")

    def engage(self, engaged: Engaged) -> None:
        """Engage it; it is on the disk when this returns. The first reason is kept.

        Raises: Unreachable where the disk takes nothing.
        """
        try:
            new = self.file.with_suffix(".new")
            with new.open("wb") as opened:
                opened.write(msgspec.json.encode(engaged))
                opened.flush()
                os.fsync(opened.fileno())
            with suppress(FileExistsError):
                os.link(new, self.file)
            new.unlink(missing_ok=True)
            self._keep_folder()
        except OSError as error:
            raise Unreachable(f"kill switch: expected to write {self.file}: {error.strerror}") from error

    def release(self) -> None:
        """Release it, which a person decides. Raises: Unreachable where the file cannot be removed."""
        try:
            self.file.unlink(missing_ok=True)
            self._keep_folder()
        except OSError as error:
            raise Unreachable(f"kill switch: expected to remove {self.file}: {error.strerror}") from error

    def _keep_folder(self) -> None:
        descriptor = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
