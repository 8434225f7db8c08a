"""Write what derives from the schema: the Rust columns, the JSON Schemas, the reference page.

`python -m tidemill.schema.generate` writes; with `--check` it only says which files differ, and fails
if any does.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from tidemill.schema import derive
from tidemill.schema.events import EVENTS

ROOT = Path(__file__).resolve().parents[3]
_RUST_HEAD = "//! Every event's fields. Written by `make generate`; do not edit.\n"
_RUST_SPELLING = {"U8": "u8", "U32": "u32", "U64": "u64", "I32": "i32", "F64": "f64"}


def concepts() -> dict[str, dict[str, type[Struct]]]:
    """Return the events by the module that declares them, for files of a size that one reads."""
    found: dict[str, dict[str, type[Struct]]] = {}
    for tag, event in EVENTS.items():
        found.setdefault(event.__module__.rpartition(".")[2], {})[tag] = event
    return found


def rust_columns(events: Mapping[str, type[Struct]]) -> str:
    """Return the source of one of crates/tidemill-events/src/generated/*.rs."""
    kinds = {_rust_kind(column) for tag in events for column in derive.columns(tag)}
    used = {kind.removeprefix("Option<").removesuffix(">") for kind in kinds} - set(_RUST_SPELLING.values())
    names = ", ".join(sorted(used, key=_rust_order))
    parts = [f"{_RUST_HEAD}\nuse crate::column::{{{names}}};\nuse crate::event;\n"]
    for tag, event in events.items():
        summary = (event.__doc__ or "").strip().splitlines()[0]
        fields = "".join(f"        {c.name}: {_rust_kind(c)},\n" for c in derive.columns(tag))
        parts.append(
            f"event! {{\n    /// {summary}\n"
            f'    "{tag}" {event.__name__} {event.__name__}Columns {{\n{fields}    }}\n}}\n'
        )
    return "\n".join(parts)


def rust_modules() -> str:
    """Return the source of crates/tidemill-events/src/generated.rs."""
    names = sorted(concepts())
    modules = "".join(f"mod {name};\n" for name in names)
    return f"{_RUST_HEAD}\n{modules}\n" + "".join(f"pub use {name}::*;\n" for name in names)


def _rust_order(name: str) -> tuple[bool, str]:
    """Order names as rustfmt does: constants' spelling after types'."""
    return name.isupper(), name


def _rust_kind(column: derive.Column) -> str:
    kind = "Choice" if column.choices else _RUST_SPELLING.get(column.logical.name, column.logical.name)
    return f"Option<{kind}>" if column.is_optional else kind


def reference_page() -> str:
    """Return docs/reference/events.md: every event, its fields with type, unit and presence."""
    parts = ["# Events\n\nGenerated from `tidemill.schema` by `make generate`; do not edit.\n"]
    for tag, event in EVENTS.items():
        parts.append(f"\n## {tag}\n\n{(event.__doc__ or '').strip()}\n")
        parts.append(f"\nIdentity: {', '.join(f'`{name}`' for name in derive.identity(tag))}.\n\n")
        parts.append("| field | type | ClickHouse | unit or values | always there |\n|---|---|---|---|---|\n")
        for c in derive.columns(tag):
            unit = ", ".join(c.choices) or c.logical.unit
            always = "no" if c.is_optional else "yes"
            parts.append(
                f"| `{c.name}` | {c.logical.name} | `{derive.clickhouse_type(c)}` | {unit} | {always} |\n"
            )
    return "".join(parts)


def files() -> Iterator[tuple[Path, str]]:
    """Yield every generated file with its content."""
    rust = ROOT / "crates/tidemill-events/src"
    yield rust / "generated.rs", rust_modules()
    for concept, events in concepts().items():
        yield rust / f"generated/{concept}.rs", rust_columns(events)
    yield ROOT / "docs/reference/events.md", reference_page()
    for tag in EVENTS:
        content = json.dumps(derive.json_schema(tag), indent=2) + "\n"
        yield ROOT / f"docs/reference/json/{tag}.json", content


def main(arguments: list[str]) -> int:
    """Write the files, or check them; return the exit code."""
    stale = [(path, content) for path, content in files() if not path.exists() or path.read_text() != content]
    for path, content in stale:
        print(("differs: " if "--check" in arguments else "wrote ") + str(path.relative_to(ROOT)))
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
