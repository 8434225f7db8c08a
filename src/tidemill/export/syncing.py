"""Have what was written on the disk before it counts."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Bring a file's content, or a folder's names, onto the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
