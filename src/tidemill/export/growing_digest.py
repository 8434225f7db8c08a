"""Make the digest of a file while it is written: of one that only grows."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

_READ_BYTES = 1 << 20
_LOOK_EVERY_S = 0.02


class GrowingDigest:
    """Follows a file that does not exist yet, in a thread of its own while the context is open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_whole = threading.Event()
        self._thread = ThreadPoolExecutor(1, "export-digest")

    def __enter__(self) -> Self:
        self._path.unlink(missing_ok=True)  # of a run that was interrupted
        self._digest = self._thread.submit(self._follow)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_whole.set()
        self._thread.shutdown(wait=False)  # it reads what little is left, and ends

    def sha256(self) -> str:
        """Return it, once the file is whole."""
        self._is_whole.set()
        return self._digest.result()

    def _follow(self) -> str:
        while not self._path.exists() and not self._is_whole.wait(_LOOK_EVERY_S):
            pass
        digest = hashlib.sha256()
        with self._path.open("rb", buffering=0) as file:
            while True:
                was_whole = self._is_whole.is_set()
                if piece := file.read(_READ_BYTES):
                    digest.update(piece)
                elif was_whole:
                    return digest.hexdigest()
                else:
                    self._is_whole.wait(_LOOK_EVERY_S)
