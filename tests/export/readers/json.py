"""Read a JSON array with Python's own reader."""

import json
import math

from tidemill.schema import derive

from .text import value_of

_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def typed(row, tag):
    return {column.name: _value(column, row[column.name]) for column in derive.columns(tag)}


def _value(column, value):
    if column.logical.name == "F64" and isinstance(value, str):
        return _WORDS[value]
    return value_of(column, value) if isinstance(value, str) else value


def read(path, tag):
    return [typed(row, tag) for row in json.loads(path.read_bytes())]
