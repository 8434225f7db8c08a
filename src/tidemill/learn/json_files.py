"""How is what was learned kept as JSON: whole or not at all, and read as what it was."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tidemill.schema.faults import Malformed

S = TypeVar("S")


def to_json(value: Any) -> bytes:
    """Return indented JSON that ends its last line."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def write_file(path: Path, content: bytes) -> Path:
    """Put `content` in the place of `path` in one go, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    return new.replace(path)


def read_json(path: Path, kind: type[S]) -> S:
    """Return what a JSON file holds. Raises: Malformed, where it is no `kind`."""
    return decoded(path, path.read_bytes(), kind)


def decoded(path: Path, content: bytes, kind: type[S]) -> S:
    """Return what a JSON file's content holds. Raises: Malformed."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Malformed(f"{path}: expected {getattr(kind, '__name__', kind)} as JSON: {fault}") from None
