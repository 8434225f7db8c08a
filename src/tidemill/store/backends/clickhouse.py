"""Keep events on a ClickHouse server, over its HTTP interface: for more than one machine can hold."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from io import BytesIO
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
from clickhouse_connect import get_async_client, get_client
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError, Error
from typing_extensions import override

from tidemill.schema.faults import Refused, Unreachable
from tidemill.store.base import QueryLimits, Store, StoreSettings
from tidemill.store.clickhouse import ClickHouseStore, limit_settings, write_stream
from tidemill.store.statement import LASTING_ERRORS, first_line

_FORM = "clickhouse://USER:PASSWORD@HOST:PORT/DATABASE"
_PLAIN_PORT, _SECURE_PORT = 8123, 8443
_STORED_AT_ONCE = {"async_insert": "0", "distributed_foreground_insert": "1"}
"""An insert that was accepted is stored, not in a queue."""
_KEEPALIVE_S = 2.5
"""Shorter than any server's own: one that closes a connection as we use it looks like a crash."""


class _Place(NamedTuple):
    """Where a server is, and who asks."""

    host: str
    port: int
    is_secure: bool
    user: str
    password: str
    database: str

    def arguments(self) -> dict[str, Any]:
        """Return what a client is made with."""
        return {
            "host": self.host,
            "port": self.port,
            "interface": "https" if self.is_secure else "http",
            "username": self.user,
            "password": self.password,
            "compress": False,
            "query_retries": 0,
            "autogenerate_session_id": False,
            "show_clickhouse_errors": True,
        }

    def __str__(self) -> str:
        return f"store clickhouse://{self.host}:{self.port}/{self.database}"


def open_backend(location: str, settings: StoreSettings) -> Store:
    """Return the store at `USER:PASSWORD@HOST:PORT/DATABASE`, of which only the host must be there.

    `?secure=true` speaks TLS. Raises: Refused, where the URL is another.
    """
    return ClickHouseServerStore(_placed(location), settings)


def _placed(location: str) -> _Place:
    found = urlsplit(f"clickhouse://{location}")
    options = parse_qs(found.query, keep_blank_values=True)
    secure = options.pop("secure", ["false"])[-1]
    database = found.path.removeprefix("/") or "default"
    try:
        port = found.port
    except ValueError as error:
        raise Refused(f"store url: expected {_FORM}, found a port that is none") from error
    if not found.hostname or options or secure not in {"true", "false"} or not database.isidentifier():
        # the URL may hold a password
        raise Refused(f"store url: expected {_FORM}, with ?secure=true for TLS, found another form")
    is_secure = secure == "true"
    user, password = unquote(found.username or "default"), unquote(found.password or "")
    port = port or (_SECURE_PORT if is_secure else _PLAIN_PORT)
    return _Place(found.hostname, port, is_secure, user, password, database)


class ClickHouseServerStore(ClickHouseStore):
    """A store on a server. Inserts go one after another, each with its token; queries beside them."""

    def __init__(self, place: _Place, settings: StoreSettings) -> None:
        super().__init__(settings)
        self._place = place
        self._client: AsyncClient | None = None
        self._writing = asyncio.Lock()
        self._reading = asyncio.Semaphore(settings.readers)

    @override
    async def __aenter__(self) -> Self:
        place = self._place
        async with self._faults("open it"):
            self._client = await get_async_client(**place.arguments(), keepalive_timeout=_KEEPALIVE_S)
            try:
                await self._enter_database(self._client)
            except BaseException:
                await self.__aexit__()
                raise
        return self

    async def _enter_database(self, client: AsyncClient) -> None:
        # asked before it is made: who may only read is not refused a database that is there
        listed = await client.raw_query(
            "SELECT count() FROM system.databases WHERE name = {name:String}",
            {"name": self._place.database},
            fmt="TSV",
        )
        if not int(listed):
            await client.command(f"CREATE DATABASE IF NOT EXISTS `{self._place.database}`")
        client.database = self._place.database

    @override
    async def __aexit__(self, *exc: object) -> None:
        async with self._writing:
            client, self._client = self._client, None
            if client is not None:
                await client.close()

    # --- write

    @override
    async def _execute(self, sql: str) -> None:
        async with self._writing, self._faults("write"):
            await self._opened().command(sql)

    @override
    async def _append(self, tag: str, rows: pa.Table, settings: Mapping[str, str]) -> None:
        # A file is not sent again by the client itself: who repeats an insert must look for what it lacks.
        body = BytesIO()
        write_stream(rows, body)
        body.seek(0)
        async with self._writing, self._faults("write"):
            await self._opened().raw_insert(
                tag, rows.schema.names, body, {**settings, **_STORED_AT_ONCE}, "ArrowStream"
            )

    # --- read

    @override
    async def _ask(
        self,
        sql: str,
        params: Mapping[str, str],
        limits: QueryLimits,
        settings: Mapping[str, str] | None = None,
    ) -> pa.Table:
        how = {**limit_settings(limits), **(settings or {}), "readonly": "1"}
        async with self._reading, self._faults(""):
            stream = await self._opened().raw_query(sql, dict(params), how, "ArrowStream")
        return pa.ipc.open_stream(stream).read_all() if stream else pa.table({})

    @override
    def _batches(self, sql: str, settings: Mapping[str, str]) -> Generator[pa.RecordBatch]:
        # a client of its own: the other's event loop is not to wait for so much
        with self._faults_told(""):
            client = get_client(**self._place.arguments(), database=self._place.database)
            try:
                answer = client.raw_stream(sql, None, {**settings, "readonly": "1"}, "ArrowStream")
                with answer as stream:
                    yield from pa.ipc.open_stream(stream)
            except (pa.ArrowException, OSError) as error:  # it ended in the middle
                raise Unreachable(f"{self._place}: expected to read to the end: {error}") from error
            finally:
                client.close()

    def _opened(self) -> AsyncClient:
        assert self._client is not None, "the store is used outside its `async with`"
        return self._client

    @asynccontextmanager
    async def _faults(self, purpose: str) -> AsyncIterator[None]:
        with self._faults_told(purpose):
            yield

    @contextmanager
    def _faults_told(self, purpose: str) -> Iterator[None]:
        """Class what the client raises; without a `purpose` it is somebody's statement that is answered."""
        try:
            yield
        except ClickHouseError as error:
            code = error.code if isinstance(error, Error) else None
            told = first_line(_servers_words(str(error)))
            if code is None or (purpose and code not in LASTING_ERRORS):
                raise Unreachable(f"{self._place}: expected to {purpose or 'read'}: {told}") from error
            raise Refused(
                f"{self._place}: expected to {purpose}: {told}" if purpose else f"sql: {told}"
            ) from error


def _servers_words(message: str) -> str:
    _, found, words = message.partition("server response: ")
    return (words if found else message).partition(" (for url ")[0]
