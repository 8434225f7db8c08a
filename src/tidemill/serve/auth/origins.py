"""May the page of this origin call: a browser calls for any page that asks it to, in its user's name."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from tidemill.schema.faults import Refused
from tidemill.serve.auth.denial import Denied

_DEFAULT_PORTS = {"http": 80, "https": 443}


def checked_origins(written: Iterable[str]) -> frozenset[str]:
    """Return the origins. Raises: Refused, where one is none."""
    found = frozenset(written)
    for text in found:
        parts = urlsplit(text)
        if (
            parts.scheme not in _DEFAULT_PORTS
            or not parts.hostname
            or text != f"{parts.scheme}://{parts.netloc}"
        ):
            raise Refused(
                f"api.auth.cors_origins: expected origins such as https://desk.example, found {text!r}"
            )
    return found


def check_origin(scope: Mapping[str, Any], allowed: frozenset[str]) -> None:
    """Raise Denied where a page of another origin calls that is not among the allowed.

    WebSockets know no CORS, and a request that only acts needs no answer: so it is not left to the browser.
    """
    told = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
    if not told or (len(told) == 1 and (told[0] in allowed or _is_own(told[0], scope))):
        return
    raise Denied(
        HTTPStatus.FORBIDDEN,
        "expected a page of this server or of api.auth.cors_origins to call, found one of another origin",
    )


def _is_own(origin: str, scope: Mapping[str, Any]) -> bool:
    """Say whether the page came from the host that is called; a proxy may have taken TLS off on the way."""
    hosts = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
    scheme, separator, host = origin.lower().partition("://")
    return bool(separator) and scheme in _DEFAULT_PORTS and hosts == [host]
