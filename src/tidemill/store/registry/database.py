"""Which database does a URL name, and what is to be done about what it says when it fails."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import sqlalchemy as sa
import sqlalchemy.event
import sqlalchemy.exc
from psycopg.conninfo import make_conninfo

from tidemill.core.endpoint import redact_url
from tidemill.schema.faults import Fault, Malformed, Refused, Unreachable
from tidemill.store.registry_config import RegistrySettings

_UPGRADE = "the database lacks what this version needs: run `tidemill db upgrade`"


class Database(NamedTuple):
    """A database, not connected to yet."""

    name: str
    """What messages call it; holds no secrets."""
    engine: sa.Engine
    settings: RegistrySettings
    path: Path | None
    """SQLite's file."""
    conninfo: str
    """PostgreSQL's address, with its password; empty for SQLite."""


def database_of(url: str, settings: RegistrySettings) -> Database:
    """Return the database at `sqlite:///absolute/file`, `sqlite://relative/file` or `postgresql://…`.

    Raises: Refused, where the URL is neither.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite" and rest:
        return _sqlite(Path(rest), settings)
    if separator and scheme == "postgresql" and rest:
        return _postgresql(url, settings)
    found = redact_url(url) if separator else "no URL"
    raise Refused(f"registry url: expected sqlite://FILE or postgresql://USER@HOST/DATABASE, found {found}")


def _sqlite(path: Path, settings: RegistrySettings) -> Database:
    path = path.absolute()
    # no transaction of the driver's own: it would leave statements that make tables out
    arguments = {"timeout": settings.timeout_ms / 1_000, "isolation_level": None}
    # no pool: a connection that is kept would go on reading a file that was replaced
    where = sa.URL.create("sqlite", database=str(path))
    engine = sa.create_engine(where, connect_args=arguments, poolclass=sa.NullPool)

    def begin(connection: sa.Connection) -> None:
        is_writing = connection.get_execution_options().get("is_writing", False)
        # a writer that first reads would be refused, not made to wait, where another wrote in between
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")

    sqlalchemy.event.listen(engine, "begin", begin)
    return Database(f"sqlite://{path}", engine, settings, path, "")


def _postgresql(url: str, settings: RegistrySettings) -> Database:
    connect_timeout_s = max(2, settings.timeout_ms // 1_000)  # libpq takes no less
    try:
        conninfo = make_conninfo(url, connect_timeout=connect_timeout_s, tcp_user_timeout=settings.timeout_ms)
    except psycopg.ProgrammingError:  # its words hold parts of the password
        raise Refused(
            "registry url: expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE with what is special in "
            "the password written as %XX, found what libpq cannot read"
        ) from None

    def connect() -> psycopg.Connection[Any]:
        connection = psycopg.connect(conninfo)
        connection.execute(f"SET statement_timeout = {settings.timeout_ms}".encode())
        connection.commit()
        return connection

    engine = sa.create_engine("postgresql+psycopg://", creator=connect, pool_pre_ping=True)
    return Database(redact_url(url), engine, settings, None, conninfo)


@contextmanager
def faults(database: Database) -> Iterator[None]:
    """Raise as a fault what the database says within; what is a bug of ours stays what it is."""
    try:
        yield
    except (sqlalchemy.exc.DBAPIError, psycopg.Error, sqlite3.Error) as error:
        said = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
        fault = None
        if isinstance(said, psycopg.Error):
            fault = _fault_of_postgresql(said, database.name)
        elif isinstance(said, sqlite3.Error):
            fault = _fault_of_sqlite(said, database.name)
        if fault is None:
            raise
        raise fault from None


_SQLITE = {
    Refused: ("READONLY", "NOTADB", "CORRUPT", "CANTOPEN", "PERM", "AUTH"),
    Unreachable: ("BUSY", "LOCKED", "FULL", "IOERR", "NOMEM", "PROTOCOL"),
    Malformed: ("CONSTRAINT", "MISMATCH", "TOOBIG"),
}
"""The remedy, by what SQLite's error names begin with. Source: sqlite.org/rescode.html."""


def _fault_of_sqlite(error: sqlite3.Error, name: str) -> Fault | None:
    if str(error).startswith("no such "):
        return Refused(f"registry {name}: {_UPGRADE} ({error})")
    code = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_")
    for kind, codes in _SQLITE.items():
        if code.startswith(codes):
            return kind(f"registry {name}: expected to read or write it: {error}")
    return None


_POSTGRESQL = {
    Refused: ("28", "3D", "25006", "42501"),
    Unreachable: ("08", "40", "53", "55", "57"),
    Malformed: ("22", "23"),
}
"""The remedy, by what a SQLSTATE begins with. Source: postgresql.org/docs/current/errcodes-appendix.html."""
_LACKING = ("42P01", "42703")
_PASSING = ("starting up", "shutting down", "in recovery mode", "too many", "remaining connection slots")
"""Of what a server says when it takes no connection, which libpq gives without a SQLSTATE: what passes."""


def _fault_of_postgresql(error: psycopg.Error, name: str) -> Fault | None:
    words = " ".join(str(error).split())
    said = f"registry {name}: expected to read or write it: {words}"
    if error.sqlstate is None:
        is_no = "FATAL:" in words or "no password supplied" in words
        if is_no and not any(passing in words for passing in _PASSING):
            return Refused(said)
        return Unreachable(said) if isinstance(error, psycopg.OperationalError) else None
    if error.sqlstate in _LACKING:
        return Refused(f"registry {name}: {_UPGRADE} ({words})")
    for kind, codes in _POSTGRESQL.items():
        if error.sqlstate.startswith(codes):
            return kind(said)
    return None
