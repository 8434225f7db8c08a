"""Read what tidemill stores and streams from Python: `connect` to a data API's URL, or to a data folder."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import pyarrow as pa
from msgspec import Struct

from tidemill.app.api.client_folder import FolderSource, owner_url
from tidemill.app.api.client_url import UrlSource
from tidemill.schema import derive
from tidemill.schema.events import EVENTS
from tidemill.serve.events_asked import LIMIT_MAX
from tidemill.serve.stream import tag_of
from tidemill.store.answer import readable
from tidemill.store.base import Finality

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Parameters = list[tuple[str, str]]


class Source(Protocol):
    """What answers the same questions over HTTP or from a folder."""

    def page(self, tag: str, asked: Parameters) -> tuple[pa.Table, str | None]:
        """Return a page of events, and the cursor of the next. Raises: the Fault that says why not."""
        ...

    def sql(self, query: str, params: dict[str, str]) -> pa.Table:
        """Return the answer to a statement that reads. Raises: Refused."""
        ...

    def stream(self, tag: str, asked: Parameters) -> Iterator[list[dict[str, Any]]]:
        """Yield events as they come, as JSON has them. Raises: Gap, where some were lost."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class Frame(Struct, frozen=True):
    """Rows, as the frame that its reader likes; a field has the name that it has in REST."""

    arrow: pa.Table
    tag: str | None = None
    """The kind of event; None of a statement's answer."""

    def polars(self) -> "pl.DataFrame":
        """Return a Polars frame: 256-bit numbers, hashes and addresses as text."""
        import polars

        return polars.DataFrame(self._plain())

    def pandas(self) -> "pd.DataFrame":
        """Return a pandas frame: 256-bit numbers, hashes and addresses as text."""
        return self._plain().to_pandas()

    def rows(self) -> list[dict[str, Any]]:
        """Return rows of Python's values: exact integers, bytes; times in ns."""
        return readable(self.arrow) if self.tag is None else derive.to_rows(self.tag, self.arrow)

    def __len__(self) -> int:
        return self.arrow.num_rows

    def _plain(self) -> pa.Table:
        """Return the table with columns of bytes as text."""
        rows = self.rows()
        columns: dict[str, Any] = {}
        for field in self.arrow.schema:
            if pa.types.is_fixed_size_binary(field.type):
                values = [row[field.name] for row in rows]
                columns[field.name] = pa.array(
                    [None if one is None else _text(one) for one in values], pa.string()
                )
            else:
                columns[field.name] = self.arrow.column(field.name)
        return pa.table(columns)


def _text(value: Any) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)


class Connection(AbstractContextManager["Connection"]):
    """Reads one data API, or one data folder; close it, or use it as a context manager."""

    def __init__(self, source: Source) -> None:
        """Use `connect` instead."""
        self._source = source

    def events(
        self,
        kind: str,
        *,
        limit: int | None = 100,
        fields: Sequence[str] | None = None,
        where: Sequence[str] = (),
        order: Literal["newest", "oldest"] = "newest",
        finality: Finality = "canonical",
        **more: str | int | bytes,
    ) -> Frame:
        """Return events of a kind (`swap`, `transactions`), `limit` of them or all.

        `where` are conditions such as `"block_number>=100"`; `more` are `start`, `end`, `require`, and
        columns that are to be equal to a value.

        Raises: Refused, where something does not fit the schema; Gap, where what is required is missing.
        """
        asked = _asked(fields, where, {"order": order, "finality": finality, **more})
        tables = list(self._pages(tag_of(kind), asked, limit))
        return Frame(pa.concat_tables(tables), tag_of(kind))

    def _pages(self, tag: str, asked: Parameters, limit: int | None) -> Iterator[pa.Table]:
        cursor: Parameters = []
        left = limit
        while left is None or left > 0:
            size = LIMIT_MAX if left is None else min(left, LIMIT_MAX)
            table, following = self._source.page(tag, [*asked, ("limit", str(size)), *cursor])
            yield table
            left = None if left is None else left - table.num_rows
            if following is None:
                return
            cursor = [("cursor", following)]

    def sql(self, query: str, **params: str | int) -> Frame:
        """Return the answer to a statement that reads; `params` stand for `{name:Type}` in it.

        Raises: Refused.
        """
        return Frame(self._source.sql(query, {name: str(value) for name, value in params.items()}))

    def stream(
        self,
        kind: str,
        *,
        fields: Sequence[str] | None = None,
        where: Sequence[str] = (),
        cursor: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield events of a kind as they come, as JSON has them; it goes on by itself where it was cut.

        Raises: Gap, where some were lost; Refused.
        """
        more = {} if cursor is None else {"cursor": cursor}
        for events in self._source.stream(tag_of(kind), _asked(fields, where, more)):
            yield from events

    def kinds(self) -> list[str]:
        """Return the kinds of events that there are."""
        return list(EVENTS)

    def close(self) -> None:
        """Let go of connections, or of the folder."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _asked(fields: Sequence[str] | None, where: Sequence[str], more: dict[str, Any]) -> Parameters:
    asked = [("where", one) for one in where]
    if fields is not None:
        asked.append(("fields", ",".join(fields)))
    return asked + [(name, _text(value)) for name, value in more.items()]


def connect(target: str | Path, *, key: str | None = None, token: str | None = None) -> Connection:
    """Return a connection to a data API (`http://127.0.0.1:8080`), or to a data folder (`data`).

    A folder whose `tidemill up` runs is read through its API. `key` is an API key, `token` a JWT.

    Raises: Refused, where there is no such folder; Unreachable, where nobody answers.
    """
    headers: dict[str, str] = {}
    if key is not None:
        headers["X-API-Key"] = key
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    text = str(target)
    if text.startswith(("http://", "https://")):
        return Connection(UrlSource(text.rstrip("/"), headers))
    url = owner_url(Path(target))
    return Connection(FolderSource(Path(target)) if url is None else UrlSource(url, headers))
