"""Hold the numbered changes of the tables: one file each, `m0001_what_it_does.py`, applied in order, never
edited.

A file defines `statements(deduplication_window)`, which returns statements that may be run twice.
"""

import hashlib
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import NamedTuple

SCHEMA_TABLE_DDL = """CREATE TABLE IF NOT EXISTS schema_migration (
    version UInt32,
    name String,
    checksum String,
    applied_ns DateTime64(9, 'UTC')
) ENGINE = MergeTree ORDER BY (version, applied_ns)"""


class Migration(NamedTuple):
    """One numbered change."""

    version: int
    name: str
    statements: tuple[str, ...]
    is_derived: bool
    """Whether its statements follow the schema, so that a later version of ours spells them otherwise."""

    @property
    def checksum(self) -> str:
        """The digest of its statements."""
        return hashlib.sha256("\n".join(self.statements).encode()).hexdigest()


def migrations(deduplication_window: int) -> Iterator[Migration]:
    """Return all migrations in the order of their numbers."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        number, _, name = module.name.removeprefix("m").partition("_")
        file = import_module(f"{__name__}.{module.name}")
        statements = tuple(file.statements(deduplication_window))
        yield Migration(int(number), name, statements, getattr(file, "IS_DERIVED", False))
