"""Trace where the settings say so; the libraries of it are loaded only then."""

import socket
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from tidemill.app.settings import Environment
from tidemill.schema.faults import Refused

if TYPE_CHECKING:
    from tidemill.app.traces import Traces


def tracing_of(environment: Environment, *, is_stored: bool) -> "AbstractContextManager[Traces | None]":
    """Return what makes spans while it is open; None of it, where nothing is to be traced.

    Raises: Refused, where the libraries are missing.
    """
    settings = environment.settings
    if settings.traces.endpoint is None:
        return nullcontext()
    try:
        from tidemill.app.traces import tracing
    except ImportError:
        raise Refused("traces.endpoint: expected OpenTelemetry; `pip install tidemill[traces]`") from None
    return tracing(settings.traces, settings.alerts.instance or socket.gethostname(), is_stored=is_stored)
