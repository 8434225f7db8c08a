"""What does the docstring below each field of a struct say."""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from functools import cache

from msgspec import Struct


@cache
def documented(kind: type[Struct]) -> Mapping[str, str]:
    """Return the docstring below each field, of the struct's bases first; none of what has no source."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base in {object, Struct} or not issubclass(base, Struct):
            continue
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        except (OSError, TypeError):  # made by a program, not written
            continue
        assert isinstance(body, ast.ClassDef)
        for line, below in zip(body.body, body.body[1:], strict=False):
            is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and is_text:
                found[line.target.id] = inspect.cleandoc(str(below.value.value))  # pyright: ignore[reportAttributeAccessIssue] `is_text` says so
    return found
