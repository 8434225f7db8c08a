"""Which request is worked on: its id goes with it into every task, loop and line of log that it causes."""

import re
import secrets
from contextvars import ContextVar

TRACE_ID: ContextVar[str | None] = ContextVar("trace_id", default=None)
"""32 hex digits; None where nobody asked."""
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")


def new_trace_id() -> str:
    """Return one that nobody has."""
    return secrets.token_hex(16)


def read_traceparent(header: str) -> tuple[str, str] | None:
    """Return the caller's trace and span; None where the header is not as it should be.

    Source: W3C Trace Context, section 3.2, traceparent header.
    """
    found = _TRACEPARENT.fullmatch(header)
    return None if found is None else (found[1], found[2])
