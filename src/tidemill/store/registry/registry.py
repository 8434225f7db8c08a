"""Read and change the whales that a database holds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tidemill.schema.faults import Unknown
from tidemill.store.registry.database import Database, database_of, faults
from tidemill.store.registry.table import WHALES
from tidemill.store.registry.upgrade import check_revision, upgrade
from tidemill.store.registry.whale import Whale, WhaleEdit, address_of
from tidemill.store.registry_config import RegistrySettings

SWITCHES = ("is_enabled", "is_copying_enabled")
"""The fields that `switch` sets."""


class Put(NamedTuple):
    """What became of edits."""

    added: int
    changed: int
    unchanged: int


class Registry:
    """Whales in a database. Every method blocks, for its timeout at most, and may be called by any thread."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._writing = database.engine.execution_options(is_writing=True)

    def whales(self) -> dict[str, Whale]:
        """Return all whales by their addresses, the first one added first.

        Raises: Unreachable; Refused; Malformed, where somebody wrote what is no whale.
        """
        with faults(self.database), self.database.engine.connect() as connection:
            return _read(connection)

    def get(self, address: str) -> Whale | None:
        """Return a whale; None where it is not known. Raises: as `whales`, and Malformed for no address."""
        chosen = sa.select(WHALES).where(WHALES.c.address == address_of(address))
        with faults(self.database), self.database.engine.connect() as connection:
            row = connection.execute(chosen).mappings().one_or_none()
        return None if row is None else Whale(**row)

    def put(self, edits: Iterable[WhaleEdit]) -> Put:
        """Add whales, or change what is given, all or none; addresses differ, as `edit_of` returns it.

        What would change nothing is not written. Raises: Unreachable, Refused.
        """
        with faults(self.database), self._writing.begin() as connection:
            known = _read(connection)
            asked = list(edits)
            wanted = [edit for edit in asked if _differs(known.get(edit["address"]), edit)]
            for names, alike in groupby(wanted, key=tuple):
                rows: list[dict[str, Any]] = [dict(edit) for edit in alike]
                connection.execute(_upsert(connection.dialect.name, names), rows)
        added = sum(edit["address"] not in known for edit in wanted)
        return Put(added, len(wanted) - added, len(asked) - len(wanted))

    def switch(self, addresses: Sequence[str], name: str, *, is_on: bool) -> int:
        """Set one of SWITCHES for whales, all or none; return for how many it was another.

        Raises: Unknown, naming those that are not there; Malformed, for no address; Unreachable; Refused.
        """
        assert name in SWITCHES
        asked = {address_of(address) for address in addresses}
        with faults(self.database), self._writing.begin() as connection:
            known = _read(connection)
            lacking = sorted(asked - known.keys())
            if lacking:
                raise Unknown(f"registry {self.database.name}: expected whales, lacks {', '.join(lacking)}")
            wanted = [address for address in asked if getattr(known[address], name) != is_on]
            if wanted:
                chosen = WHALES.update().where(WHALES.c.address == sa.bindparam("chosen"))
                connection.execute(chosen.values({name: is_on}), [{"chosen": address} for address in wanted])
        return len(wanted)


@contextmanager
def open_registry(url: str, settings: RegistrySettings | None = None) -> Iterator[Registry]:
    """Open the registry at a URL (see `database_of`).

    SQLite's file is made, or upgraded, where it needs to be; a PostgreSQL database is others' too, and
    changes by `tidemill db upgrade` alone.

    Raises: Refused, where there is none such, or a wrong password, or tables of another version; Unreachable.
    """
    database = database_of(url, settings or RegistrySettings())
    try:
        if database.path is not None:
            upgrade(database)
        else:
            check_revision(database)
        yield Registry(database)
    finally:
        database.engine.dispose()


def _read(connection: sa.Connection) -> dict[str, Whale]:
    chosen = sa.select(WHALES).order_by(WHALES.c.created_at, WHALES.c.address)
    return {row["address"]: Whale(**row) for row in connection.execute(chosen).mappings()}


def _differs(whale: Whale | None, edit: Mapping[str, Any]) -> bool:
    return whale is None or any(getattr(whale, name) != value for name, value in edit.items())


def _upsert(dialect: str, names: Sequence[str]) -> sa.Insert:
    made = sqlite.insert(WHALES) if dialect == "sqlite" else postgresql.insert(WHALES)
    given = {name: made.excluded[name] for name in names if name != "address"}
    if not given:
        return made.on_conflict_do_nothing(index_elements=["address"])
    return made.on_conflict_do_update(index_elements=["address"], set_=given)
