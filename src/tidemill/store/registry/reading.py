"""Read whales out of a CSV or JSON file; what is wrong is told with its line."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from tidemill.schema.faults import Malformed
from tidemill.store.registry.whale import EDITABLE, WhaleEdit, edit_of

Row = tuple[int, Mapping[str, Any]]
"""A line's number, from 1, and what is given there."""


def read_whales(file: Path) -> list[WhaleEdit]:
    """Return the whales of a file: `.csv` with the fields' names in its first line, an empty cell for what is
    not given; `.json` with an array of objects; `.jsonl` with an object a line.

    Raises: Malformed, naming file and line; OSError, where it cannot be read.
    """
    parse = _PARSERS.get(file.suffix.lower())
    if parse is None:
        raise Malformed(
            f"{file}: expected a file named {', '.join(_PARSERS)}, found {file.suffix or 'neither'}"
        )
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = fault.object[: fault.start].count(b"\n") + 1
        raise Malformed(f"{file}:{line}: expected UTF-8, found others: {fault.reason}") from None
    edits: list[WhaleEdit] = []
    lines: dict[str, int] = {}
    for line, given in parse(text, str(file)):
        try:
            edit = edit_of(given, is_text=parse is _csv_rows)
        except Malformed as fault:
            raise Malformed(f"{file}:{line}: {fault}") from None
        first = lines.setdefault(edit["address"], line)
        if first != line:
            raise Malformed(
                f"{file}:{line}: expected a whale once, found {edit['address']} in line {first} too"
            )
        edits.append(edit)
    return edits


def _csv_rows(text: str, name: str) -> Iterator[Row]:
    rows = csv.reader(text.splitlines(keepends=True), strict=True)
    header: list[str] | None = None
    begins = 1
    while True:
        try:
            row = next(rows, None)
        except csv.Error as fault:
            raise Malformed(f"{name}:{begins}: expected CSV: {fault}") from None
        line, begins = begins, rows.line_num + 1
        if row is None:
            return
        if not row:
            continue
        if header is None:
            header = _header(row, f"{name}:{line}")
        elif len(row) != len(header):
            raise Malformed(
                f"{name}:{line}: expected {len(header)} values, as the first line has, found {len(row)}"
            )
        else:
            cells = zip(header, (cell.strip() for cell in row), strict=True)
            yield line, {field: cell for field, cell in cells if cell}


def _header(row: list[str], where: str) -> list[str]:
    header = [cell.strip() for cell in row]
    if "address" not in header or len(set(header)) != len(header):
        known = ", ".join(EDITABLE)
        raise Malformed(
            f"{where}: expected fields' names, each once, with address (of: {known}), found {header}"
        )
    return header


def _json_rows(text: str, name: str) -> Iterator[Row]:
    at = _after_space(text, 0)
    if text[at : at + 1] != "[":
        raise Malformed(f"{name}:{_line(text, at)}: expected an array, found {text[at : at + 20]!r}")
    at = _after_space(text, at + 1)
    while text[at : at + 1] != "]":
        line = _line(text, at)
        given, at = _object(text, at, name)
        yield line, given
        at = _after_space(text, at)
        if text[at : at + 1] == ",":
            at = _after_space(text, at + 1)
        elif text[at : at + 1] != "]":
            found = repr(text[at : at + 20]) if at < len(text) else "the end"
            raise Malformed(f"{name}:{_line(text, at)}: expected a comma or the array's end, found {found}")
    at = _after_space(text, at + 1)
    if at < len(text):
        raise Malformed(
            f"{name}:{_line(text, at)}: expected nothing after the array, found {text[at : at + 20]!r}"
        )


def _jsonl_rows(text: str, name: str) -> Iterator[Row]:
    at = _after_space(text, 0)
    while at < len(text):
        line = _line(text, at)
        given, at = _object(text, at, name)
        yield line, given
        at = _after_space(text, at)


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=Decimal)


def _object(text: str, at: int, name: str) -> tuple[Mapping[str, Any], int]:
    try:
        found, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as fault:
        raise Malformed(f"{name}:{fault.lineno}: expected JSON: {fault.msg}") from None
    except (RecursionError, ValueError) as fault:  # nested, or digits, without end
        raise Malformed(f"{name}:{_line(text, at)}: expected a whale: {fault}") from None
    if not isinstance(found, dict):
        raise Malformed(f"{name}:{_line(text, at)}: expected an object, found {text[at:end][:40]}")
    return found, end


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


_PARSERS: dict[str, Callable[[str, str], Iterator[Row]]] = {
    ".csv": _csv_rows,
    ".json": _json_rows,
    ".jsonl": _jsonl_rows,
}
