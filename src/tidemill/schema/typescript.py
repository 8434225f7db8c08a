"""Spell every event for the page: what a browser has of it after reading the API's JSON."""

import json
from collections.abc import Iterator, Mapping

from msgspec import Struct

from tidemill.schema import derive
from tidemill.schema.generate import concepts

_HEAD = "// Every event's fields. Written by `make generate`; do not edit.\n"
_TYPES = """
/** A point in time, ns since 1970: too long for a number. */
export type Nanos = string;
/** Digits, perhaps with a point: exact. */
export type Exact = string;
/** A whole number; text where a number would round it. */
export type Integer = number | string;
/** Name, logical type, unit, whether it may be absent. */
export type Column = readonly [string, string, string, boolean];
/** What there is to know of a kind of event. */
export interface Kind {
  readonly meaning: string;
  readonly identity: readonly string[];
  readonly columns: readonly Column[];
}
"""
_SPELLED = {
    "Nanos": "Nanos",
    "U8": "number",
    "U32": "number",
    "U64": "Integer",
    "I32": "number",
    "F64": "number",
    "U128": "Exact",
    "U256": "Exact",
    "I256": "Exact",
    "Fixed18": "Exact",
    "Hash": "string",
    "Address": "string",
    "Name": "string",
    "Text": "string",
}


def files() -> Iterator[tuple[str, str]]:
    """Yield the sources below web/src: one for each module of events, what they share, and all together."""
    yield "generated/types.ts", _HEAD + _TYPES
    for concept, events in concepts().items():
        yield (
            f"generated/{concept}.ts",
            _HEAD + "".join((*_imports(events), *_interfaces(events), *_kinds(events))),
        )
    yield "generated.ts", _HEAD + "".join(_together())


def _imports(events: Mapping[str, type[Struct]]) -> Iterator[str]:
    spelled = {_spelled(column) for tag in events for column in derive.columns(tag)}
    names = sorted({"Kind", *spelled} & {"Kind", "Nanos", "Exact", "Integer"})
    yield f'\nimport type {{ {", ".join(names)} }} from "./types";\n'


def _together() -> Iterator[str]:
    names = sorted(concepts())
    yield "".join(f'\nimport {{ KINDS as {name} }} from "./generated/{name}";' for name in names)
    yield '\nimport type { Kind } from "./generated/types";\n\n'
    yield "".join(f'export type * from "./generated/{name}";\n' for name in [*names, "types"])
    yield "\nexport const KINDS: Readonly<Record<string, Kind>> = {\n"
    yield "".join(f"  ...{name},\n" for name in concepts())
    yield "};\n"


def _interfaces(events: Mapping[str, type[Struct]]) -> Iterator[str]:
    for tag, event in events.items():
        yield f"\nexport interface {event.__name__} {{\n"
        for column in derive.columns(tag):
            yield f"  {column.name}: {_spelled(column)}{' | null' if column.is_optional else ''};\n"
        yield "}\n"


def _spelled(column: derive.Column) -> str:
    return " | ".join(json.dumps(choice) for choice in column.choices) or _SPELLED[column.logical.name]


def _kinds(events: Mapping[str, type[Struct]]) -> Iterator[str]:
    yield "\nexport const KINDS: Readonly<Record<string, Kind>> = {\n"
    for tag, event in events.items():
        meaning = " ".join((event.__doc__ or "").strip().partition("\n\n")[0].split())
        yield f"  {tag}: {{\n    meaning: {_text(meaning)},\n"
        yield f"    identity: {_text(derive.identity(tag))},\n    columns: [\n"
        for column in derive.columns(tag):
            known = (column.name, column.logical.name, column.logical.unit, column.is_optional)
            yield f"      {_text(known)},\n"
        yield "    ],\n  },\n"
    yield "};\n"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
