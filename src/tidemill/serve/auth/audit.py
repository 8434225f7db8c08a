"""Keep who did what: a JSON object a line, in a file that is put aside when it is full."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from tidemill.core.log import RotatedFile
from tidemill.core.redact import Redactor
from tidemill.schema.faults import Unreachable
from tidemill.serve.auth.config import AuditSettings

FILE_NAME = "audit.log"
_TEXT_CHARS_MAX = 2_048


class Deed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request, and what came of it."""

    time: str
    """When it ended, UTC."""
    caller: str
    """A key's id or a token's subject; empty of who is not known."""
    by: str
    """How they said who they are: key, token or nothing."""
    role: str
    address: str
    method: str
    path: str
    query: str = ""
    status: int
    took_ms: float
    denied: str | None = None
    """Why it was turned away."""


class Audit:
    """Writes deeds; without secrets, whatever they were called with."""

    def __init__(self, handler: logging.Handler, redactor: Redactor) -> None:
        self._handler = handler
        self._redactor = redactor

    def note(self, deed: Deed) -> None:
        """Write it; what the disk does not take is left out, and the console is told."""
        short = {
            name: value[:_TEXT_CHARS_MAX]
            for name in ("caller", "path", "query")
            if len(value := getattr(deed, name)) > _TEXT_CHARS_MAX
        }
        line = self._redactor(msgspec.json.encode(msgspec.structs.replace(deed, **short)).decode())
        self._handler.handle(logging.LogRecord("audit", logging.INFO, "", 0, line, None, None))


@contextmanager
def auditing(folder: Path, settings: AuditSettings, redactor: Redactor) -> Iterator[Audit]:
    """Write to `audit.log` in `folder` while the context is open. Raises: Unreachable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE_NAME).touch(mode=0o600)
        handler = RotatedFile(folder / FILE_NAME, settings.rotate_bytes, settings.rotated_files)
    except OSError as fault:
        raise Unreachable(f"audit: expected to write {folder / FILE_NAME}: {fault.strerror}") from fault
    try:
        yield Audit(handler, redactor)
    finally:
        handler.close()
