"""Compare a live table with the schema, and say what would bring it up to date."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tidemill.schema import derive
from tidemill.schema.ddl import (
    LOCAL_SUFFIX,
    TIME_INDEX,
    kept_settings,
    projection_ddl,
    projection_query,
    time_index_ddl,
)
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Refused
from tidemill.schema.storage import projections


class LiveColumn(NamedTuple):
    """A column as the engine has it."""

    name: str
    type: str
    kind: str
    """Empty for a stored column, ALIAS for one that is computed when read."""
    codec: str
    """How it is packed, such as `CODEC(ZSTD(1))`; empty where the engine chooses."""


class Addition(NamedTuple):
    """A column to add."""

    name: str
    sql: str


def additions(tag: str, live: Sequence[LiveColumn]) -> list[Addition]:
    """Return what the table `tag` lacks, in order.

    A column is added by itself only where old rows can truthfully lack it.

    Raises: Refused, naming the column, where the table has one that the schema does not know, one of another
    type,
        or lacks one that every row must have: these need a migration file that says what old rows mean.
    """
    wanted = dict(derive.clickhouse_columns(tag))
    present = {column.name: column for column in live}
    for column in live:
        if column.name not in wanted:
            raise Refused(
                f"store {tag}.{column.name}: expected no such column; a newer version may have added it"
            )
        definition = wanted[column.name]
        found = f"{column.type} {column.kind}".strip()
        if not _agrees(definition, column):
            raise Refused(
                f"store {tag}.{column.name}: expected {definition}, found {found}; write a migration"
            )
    optional = {column.name for column in derive.columns(tag) if column.is_optional}
    codecs = _codecs(tag)
    missing: list[Addition] = []
    for name, definition in wanted.items():
        if name in present:
            continue
        if name not in optional and " ALIAS " not in definition:
            raise Refused(
                f"store {tag}.{name}: expected every row to have it, but the table lacks it; "
                "write a migration that says what old rows have"
            )
        spelled = " ".join(filter(None, (name, definition, codecs.get(name))))
        missing.append(Addition(name, f"ALTER TABLE {tag} ADD COLUMN IF NOT EXISTS {spelled}"))
    return missing


def check_whole(tag: str, added: Sequence[Addition]) -> None:
    """Let a cluster's table pass that has all columns: it is changed on all servers, not from here.

    Raises: Refused, naming those that it lacks.
    """
    if added:
        names = ", ".join(name for name, _ in added)
        raise Refused(
            f"store {tag}: expected the cluster's table to have {names}; add them to {tag}{LOCAL_SUFFIX} and"
            f" {tag}, as `tidemill db ddl --cluster` spells them"
        )


def repackings(tag: str, live: Sequence[LiveColumn]) -> list[str]:
    """Return the statement that packs the columns of `tag` as the schema says; none where they are.

    Rows that are there are packed anew when their parts are merged.
    """
    wanted = _codecs(tag)
    changes = [
        f"MODIFY COLUMN {column.name} {wanted[column.name]}"
        for column in live
        if column.name in wanted and column.codec != wanted[column.name]
    ]
    return [f"ALTER TABLE {tag} {', '.join(changes)}"] if changes else []


def resettings(tag: str, engine: str) -> list[str]:
    """Return the statement that gives `tag` the settings of the schema.

    None where `engine`, the table's clause, has them.
    """
    lacking = [setting for setting in kept_settings(tag) if setting not in engine]
    return [f"ALTER TABLE {tag} MODIFY SETTING {', '.join(lacking)}"] if lacking else []


def indexings(tag: str, live: Mapping[str, str], *, has_time_index: bool) -> list[str]:
    """Return the statements that give `tag` the indexes of the schema, for the rows that are there, too.

    `live` are the queries of the projections that it has, by name.
    """
    times = None if has_time_index else time_index_ddl(tag)
    if times is None:
        return _projectings(tag, live)
    added = [f"ALTER TABLE {tag} ADD INDEX {times}", f"ALTER TABLE {tag} MATERIALIZE INDEX {TIME_INDEX}"]
    return added + _projectings(tag, live)


def _projectings(tag: str, live: Mapping[str, str]) -> list[str]:
    wanted = {one.name: one for one in projections(EVENTS[tag])}
    kept = {name for name, one in wanted.items() if live.get(name) == projection_query(one)}
    gone = [f"ALTER TABLE {tag} DROP PROJECTION {name}" for name in live if name not in kept]
    new = [
        statement
        for name, one in wanted.items()
        if name not in kept
        for statement in (
            f"ALTER TABLE {tag} ADD PROJECTION {projection_ddl(one)}",
            f"ALTER TABLE {tag} MATERIALIZE PROJECTION {name}",
        )
    ]
    return gone + new


def _codecs(tag: str) -> dict[str, str]:
    """Return how each stored column of `tag` is packed."""
    return {column.name: f"CODEC({column.logical.codec})" for column in derive.columns(tag)}


def _agrees(definition: str, column: LiveColumn) -> bool:
    wanted_type, is_alias, _ = definition.partition(" ALIAS ")
    return column.type == wanted_type and column.kind == ("ALIAS" if is_alias else "")
