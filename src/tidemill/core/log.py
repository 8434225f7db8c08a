"""Write what happens to `logs/tidemill.log` and the console, without secrets."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from typing_extensions import override

from tidemill.core.redact import Redactor
from tidemill.core.trace_id import TRACE_ID
from tidemill.schema.faults import Unreachable

FILE_NAME = "tidemill.log"


class LogConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [log]."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least severe line that is kept; LOG_LEVEL sets it too."""
    format: Literal["text", "json"] = "text"
    """`json` writes one object a line, for log collectors."""
    rotate_bytes: Annotated[int, Meta(ge=10_000)] = 10_000_000
    """A file of this size is put aside; ten million bytes hold some 80,000 lines."""
    rotated_files: Annotated[int, Meta(ge=1)] = 5
    """How many files are kept aside."""


class _Line(logging.Formatter):
    converter = time.gmtime

    def __init__(self, redactor: Redactor, *, is_json: bool) -> None:
        super().__init__(
            "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S"
        )
        self._redactor = redactor
        self._is_json = is_json

    def format(self, record: logging.LogRecord) -> str:
        trace_id = getattr(record, "trace_id", None) or TRACE_ID.get()
        if not self._is_json:
            traced = "" if trace_id is None else f" trace_id={trace_id}"
            return self._redactor(super().format(record) + traced)
        line = {
            "time": f"{self.formatTime(record, self.datefmt)}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "name": record.name,
            "message": record.getMessage(),
        }
        if trace_id is not None:
            line["trace_id"] = trace_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return self._redactor(msgspec.json.encode(line).decode())


class RotatedFile(RotatingFileHandler):
    """A log file whose disk may be full: what it does not take is left out, and the console is told once."""

    def __init__(self, file: Path, rotate_bytes: int, rotated_files: int) -> None:
        super().__init__(file, maxBytes=rotate_bytes, backupCount=rotated_files, encoding="utf-8")
        self._is_full = False

    @override
    def emit(self, record: logging.LogRecord) -> None:
        was_full, self._is_full = self._is_full, False
        super().emit(record)
        if self._is_full and not was_full:
            print(f"log: {self.baseFilename} takes no more lines; they are left out", file=sys.stderr)

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        if isinstance(sys.exception(), OSError):
            self._is_full = True
        else:
            super().handleError(record)


@contextmanager
def logging_to(folder: Path, config: LogConfig, redactor: Redactor, *, console: bool) -> Iterator[Path]:
    """Send the log of the package to `folder`, and to stderr where `console`; yield the file.

    Raises: Unreachable, where the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = RotatedFile(folder / FILE_NAME, config.rotate_bytes, config.rotated_files)
    except OSError as fault:
        raise Unreachable(f"log: expected to write {folder / FILE_NAME}: {fault.strerror}") from fault
    handlers: list[logging.Handler] = [file]
    if console:
        handlers.append(logging.StreamHandler(sys.stderr))
    logger = logging.getLogger("tidemill")
    before = (logger.level, logger.propagate)
    logger.setLevel(config.level)
    logger.propagate = False
    for handler in handlers:
        handler.setFormatter(_Line(redactor, is_json=config.format == "json"))
        logger.addHandler(handler)
    try:
        yield folder / FILE_NAME
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            with suppress(OSError):  # what the disk did not take so far
                handler.close()
        logger.setLevel(before[0])
        logger.propagate = before[1]
