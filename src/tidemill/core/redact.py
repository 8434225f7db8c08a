"""Take credentials out of anything that is printed, logged or stored."""

import re
from collections.abc import Iterable

from tidemill.core.endpoint import redact_url

HIDDEN = "***"
"""Stands for what is not shown."""
_URL = re.compile(
    r"\b(?:https?|wss?|rediss?|postgres(?:ql)?|clickhouse|kafka|influxdb)://"
    r"(?:(?:(?!://)[^\s\"'<>])*@)?"  # a password may have what ends a URL elsewhere
    r"[^\s\"'<>\]\)},]+(?<![:;.!?])"
)
_SHOWN = re.compile(r"\btidemill_[0-9a-f]{12}_[\w-]+|\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")
"""API keys, and JSON Web Tokens: what callers show of themselves."""
_SECRET_CHARS_MIN = 6
"""Shorter values would blot out ordinary words."""


class Redactor:
    """Hides `secrets`, the credentials of every URL, and every API key and token, in a text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted(
            (s for s in set(secrets) if len(s) >= _SECRET_CHARS_MIN), key=len, reverse=True
        )

    def hiding(self, secrets: Iterable[str]) -> "Redactor":
        """Return one that hides `secrets` too."""
        return Redactor([*self._secrets, *secrets])

    def __call__(self, text: str) -> str:
        """Return `text` with nothing in it that others should not read."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        text = _SHOWN.sub(HIDDEN, text)
        return _URL.sub(lambda found: redact_url(found[0]), text)
