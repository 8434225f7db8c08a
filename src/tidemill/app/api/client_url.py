"""Ask a data API over HTTP, for `tidemill.connect`."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pyarrow as pa

from tidemill.schema import faults
from tidemill.schema.faults import Fault, Malformed, Refused, Unreachable
from tidemill.serve.events_answer import NEXT_HEADER
from tidemill.serve.forms import ARROW

_TIMEOUT_S = 90.0
"""Past the server's own limits, which end a query first; a stream is never silent for so long."""
_PAUSE_S = 1.0


class UrlSource:
    """A data API at a URL."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._url = url
        self._headers = headers

    def page(self, tag: str, asked: list[tuple[str, str]]) -> tuple[pa.Table, str | None]:
        """Return a page of events, and the cursor of the next."""
        with self._open(f"/events/{tag}?{urlencode(asked)}", {"Accept": ARROW}) as answer:
            table = pa.ipc.open_stream(answer.read()).read_all()
            return table, answer.headers.get(NEXT_HEADER)

    def sql(self, query: str, params: dict[str, str]) -> pa.Table:
        """Return the answer to a statement that reads."""
        body = json.dumps({"query": query, "params": params}).encode()
        with self._open("/sql", {"Accept": ARROW, "Content-Type": "application/json"}, body) as answer:
            return pa.ipc.open_stream(answer.read()).read_all()

    def stream(self, tag: str, asked: list[tuple[str, str]]) -> Iterator[list[dict[str, Any]]]:
        """Yield events as they come; where the connection is cut, from the last id on."""
        path = f"/sse/stream?{urlencode([('topic', tag), ('frame', 'batch'), *asked])}"
        last_id: str | None = None
        while True:
            headers = {} if last_id is None else {"Last-Event-ID": last_id}
            try:
                with self._open(path, headers) as answer:
                    for event in _events(answer):
                        _raise_told(event)
                        last_id = event.get("id", last_id)
                        if "data" in event:
                            yield json.loads(event["data"])["events"]
            except (Unreachable, OSError, HTTPException):
                if last_id is None:
                    raise
                time.sleep(_PAUSE_S)

    def close(self) -> None:
        """Nothing is held."""

    def _open(self, path: str, headers: dict[str, str], body: bytes | None = None) -> HTTPResponse:
        request = Request(self._url + path, body, {**self._headers, **headers})  # noqa: S310 `connect` lets http through alone
        try:
            return urlopen(request, timeout=_TIMEOUT_S)  # noqa: S310 (see above)
        except HTTPError as error:
            with error:
                raise _fault(error.code, error.read()) from None
        except (URLError, OSError, HTTPException) as error:
            raise Unreachable(f"{self._url}: {error}") from None


def _events(answer: HTTPResponse) -> Iterator[dict[str, str]]:
    event: dict[str, str] = {}
    for line in answer:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            event[name] = value
        elif event:
            yield event
            event = {}


def _raise_told(event: dict[str, str]) -> None:
    if event.get("event") == "fault":
        raise _fault(200, event["data"].encode())


def _fault(status: int, body: bytes) -> Fault:
    try:
        said = json.loads(body)
        kind, message = getattr(faults, said["fault"], Unreachable), str(said["message"])
    except (ValueError, KeyError, TypeError):
        return Malformed(f"data API: expected an answer or a fault, found status {status}: {body[:200]!r}")
    return kind(message) if issubclass(kind, Fault) else Refused(message)
