"""Real recordings of chains, found in `shared` beside the repository."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

_SHARED = Path(__file__).resolve().parents[3] / "shared"


def recorded(name: str) -> Path:
    """Return the path of a recording; skips the test where it is not here."""
    path = _SHARED / "data" / name
    if not path.exists():
        pytest.skip(f"needs the recording {name} in a folder named shared beside the repository")
    return path


def blocks() -> list[dict[str, Any]]:
    """Return the real blocks with their receipts, as a node spells them."""
    files = sorted(recorded("evm_logs/rpc_blocks").glob("*.json.gz"))
    return [json.loads(gzip.decompress(file.read_bytes())) for file in files]
