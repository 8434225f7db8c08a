"""What a test says that cannot run without the sandbox's node."""

import os

import pytest

_REASON = "needs the sandbox's node; SERVICES=none was asked for"
_IS_LEFT_OUT = os.environ.get("SERVICES") == "none"

needs_node = pytest.mark.skipif(_IS_LEFT_OUT, reason=_REASON)
"""Marks such a test."""


def need_node() -> None:
    """Skip what calls this, a fixture, where servers are left out."""
    if _IS_LEFT_OUT:
        pytest.skip(_REASON)
