"""Spell every event for the page: what a browser has of it after reading the API's JSON."""

import json
from collections.abc import Iterator

from tidemill.schema import derive
from tidemill.schema.events import EVENTS

_HEAD = """\
// Every event's fields. Written by `make generate`; do not edit.

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


def typescript() -> str:
    """Return the source of web/src/generated.ts."""
    return _HEAD + "".join(_interfaces()) + "\n" + "".join(_kinds())


def _interfaces() -> Iterator[str]:
    for tag, event in EVENTS.items():
        yield f"\nexport interface {event.__name__} {{\n"
        for column in derive.columns(tag):
            spelled = " | ".join(json.dumps(choice) for choice in column.choices)
            spelled = spelled or _SPELLED[column.logical.name]
            yield f"  {column.name}: {spelled}{' | null' if column.is_optional else ''};\n"
        yield "}\n"


def _kinds() -> Iterator[str]:
    yield "export const KINDS: Readonly<Record<string, Kind>> = {\n"
    for tag, event in EVENTS.items():
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
