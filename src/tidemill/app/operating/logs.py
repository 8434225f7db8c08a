"""`tidemill logs`: print the end of the log, and go on with what is written."""

import sys
import time
from collections import deque
from pathlib import Path

from tidemill.app.settings import Environment
from tidemill.core.log import FILE_NAME
from tidemill.schema.faults import Refused

_POLL_S = 0.2


def main(environment: Environment, *, lines: int, follow: bool) -> int:
    """Print the log; return the exit code.

    Raises: Refused, where there is no log yet.
    """
    file = environment.paths.logs / FILE_NAME
    if not file.exists():
        raise Refused(f"logs: expected {file}, found none; `tidemill up` writes it")
    with file.open(encoding="utf-8", errors="replace") as log:
        sys.stdout.writelines(deque(log, maxlen=lines))
    sys.stdout.flush()
    if follow:
        _follow(file)
    return 0


def _follow(file: Path) -> None:
    """Print what is added, until Ctrl-C; go over to the new file when this one is put aside."""
    log = file.open(encoding="utf-8", errors="replace")
    log.seek(0, 2)
    try:
        while True:
            text = log.read()
            if text:
                sys.stdout.write(text)
                sys.stdout.flush()
            elif file.exists() and not file.samefile(f"/proc/self/fd/{log.fileno()}"):
                log.close()
                log = file.open(encoding="utf-8", errors="replace")
            else:
                time.sleep(_POLL_S)
    except KeyboardInterrupt:
        return
    finally:
        log.close()
