"""Read JSON lines with Python's own reader."""

import json

from .json import typed


def read(path, tag):
    return [typed(json.loads(line), tag) for line in path.read_bytes().split(b"\n")[:-1]]
