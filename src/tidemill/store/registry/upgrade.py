"""Bring a registry's tables to what this version needs, by the migrations beside this file."""

from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tidemill.schema.faults import Refused
from tidemill.store.registry.database import Database, faults

_FOLDER = Path(__file__).parent / "migrations"


class Upgraded(NamedTuple):
    """What an upgrade found and left."""

    before: str | None
    """The revision that the database had; None where it was empty."""
    after: str


def upgrade(database: Database) -> Upgraded:
    """Apply the migrations that the database lacks, all or none of them; processes take turns.

    Nothing stays open.

    Raises: Refused, Unreachable.
    """
    if database.path is not None:
        database.path.parent.mkdir(parents=True, exist_ok=True)
    config = _config()
    head = _head(config)
    try:
        with faults(database), database.engine.execution_options(is_writing=True).begin() as connection:
            before = _revision(connection)
            _check_known(before, config, database)
            if before != head:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
    finally:
        database.engine.dispose()
    return Upgraded(before, head)


def check_revision(database: Database) -> None:
    """Raise Refused where the database has other tables than this version's."""
    config = _config()
    with faults(database), database.engine.connect() as connection:
        before = _revision(connection)
    _check_known(before, config, database)
    head = _head(config)
    if before != head:
        raise Refused(
            f"registry {database.name}: expected its tables at revision {head}, found {before or 'none'}; "
            "run `tidemill db upgrade`"
        )


def _check_known(revision: str | None, config: Config, database: Database) -> None:
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    if revision is not None and revision not in known:
        raise Refused(
            f"registry {database.name}: expected a revision up to {known[0]}, found {revision}: "
            "a newer tidemill made it, or another program; this one leaves it alone"
        )


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _head(config: Config) -> str:
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
