"""How is an endpoint named in a message: without what opens it.

Providers put API keys into user names, paths and queries, so all that could be one is replaced.
"""

from urllib.parse import urlsplit

_HIDDEN = "***"
_KEY_CHARS_MIN = 12
"""A path segment of this length is taken for a key: the words of real paths (`v3`, `ws`, `mainnet`) are
shorter.
"""


def redact_url(url: str) -> str:
    """Return `url` without user, password, query and any path segment that could be a key.

    Example:
        >>> redact_url("wss://me:pw@eth.example:8546/v2/0123456789abcdef?key=1")
        'wss://eth.example:8546/v2/***?***'
    """
    try:
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return _HIDDEN  # what cannot be read could be a key as a whole
    if port and "@" in parts.path:
        return _HIDDEN  # a password with a slash reads as port and path
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    path = "/".join(_HIDDEN if len(part) >= _KEY_CHARS_MIN else part for part in parts.path.split("/"))
    query = f"?{_HIDDEN}" if parts.query or parts.fragment else ""
    return f"{parts.scheme}://{host}{port}{path}{query}"


def redact_text(text: str, url: str) -> str:
    """Return `text` with every appearance of `url`, its user and its key-like parts hidden."""
    if not url:
        return text
    try:
        parts = urlsplit(url)
    except ValueError:
        return _HIDDEN  # it may say any part of what cannot be read
    text = text.replace(url, redact_url(url))
    secrets = [parts.netloc.rpartition("@")[0], parts.password or "", parts.query]
    secrets += [part for part in parts.path.split("/") if len(part) >= _KEY_CHARS_MIN]
    for secret in filter(None, secrets):
        text = text.replace(secret, _HIDDEN)
    return text
