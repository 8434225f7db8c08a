"""Keep the API keys: what is known of each, and when it ends; never the key."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import sqlalchemy as sa

from tidemill.schema.faults import Unknown
from tidemill.store.registry.database import Database, faults
from tidemill.store.registry.registry import open_registry
from tidemill.store.registry.table import API_KEYS
from tidemill.store.registry_config import RegistrySettings


class ApiKey(NamedTuple):
    """One key, as the database has it."""

    id: str
    name: str
    """What its owner calls it."""
    role: str
    secret_hash: str
    """64 hexadecimal digits."""
    created_at: dt.datetime
    requests_per_minute: int | None = None
    """Its own limit; None: everybody's."""
    expires_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None


class ApiKeys:
    """The keys in a database. Methods block, for its timeout at most, and may be called by any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writing = database.engine.execution_options(is_writing=True)

    def all(self) -> list[ApiKey]:
        """Return every key, the first one made first. Raises: Unreachable, Refused."""
        chosen = sa.select(API_KEYS).order_by(API_KEYS.c.created_at, API_KEYS.c.id)
        with faults(self._database), self._database.engine.connect() as connection:
            return [ApiKey(**row) for row in connection.execute(chosen).mappings()]

    def add(self, key: ApiKey) -> None:
        """Keep a new key. Raises: Malformed, where one of its id is there; Unreachable, Refused."""
        with faults(self._database), self._writing.begin() as connection:
            connection.execute(API_KEYS.insert().values(key._asdict()))

    def revoke(self, key_id: str, now: dt.datetime) -> bool:
        """End a key now; return whether it was not before. Raises: Unknown, Unreachable, Refused."""
        ours = API_KEYS.c.id == key_id
        with faults(self._database), self._writing.begin() as connection:
            ending = API_KEYS.update().where(ours, API_KEYS.c.revoked_at.is_(None)).values(revoked_at=now)
            if connection.execute(ending).rowcount:
                return True
            if connection.execute(sa.select(API_KEYS.c.id).where(ours)).first() is None:
                raise Unknown(f"registry {self._database.name}: expected the id of a key, found {key_id!r}")
        return False


@contextmanager
def open_api_keys(url: str, settings: RegistrySettings | None = None) -> Iterator[ApiKeys]:
    """Open the keys of the registry at a URL, as `open_registry` does. Raises: as that."""
    with open_registry(url, settings) as registry:
        yield ApiKeys(registry.database)
