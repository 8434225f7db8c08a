"""Name the rows that a table had at one moment, so that the same ones are read later, and those since then.

The engine numbers each insert in a partition of a table, and rows keep the number when parts are merged
(`enable_block_number_column`): rows up to a number are the same ones for ever.
"""

from collections.abc import Mapping

from msgspec import Struct

from tidemill.schema import ddl, derive
from tidemill.schema.faults import Refused
from tidemill.store.base import Finality
from tidemill.store.coverage import Readable
from tidemill.store.selecting import known_tag

_IDENTITY_SQL = "SELECT toString(toUnixTimestamp64Nano(min(applied_ns))) AS name FROM schema_migration"
_ENGINE_SQL = "SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = '{tag}'"
_INSERTS_SQL = (
    "SELECT table, partition_id, max(max_block_number) AS last FROM system.parts"
    " WHERE database = currentDatabase() AND active AND table IN ('{tag}', 'reorg')"
    " GROUP BY table, partition_id ORDER BY table, partition_id"
)
_TIPS_SQL = "SELECT chain_id, max(block_number) AS newest FROM block_canonical GROUP BY chain_id"


class Snapshot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rows of one table that were there at one moment, and how final they had to be."""

    store: str
    """Which store it is: when its first table was made, ns."""
    table: str
    finality: Finality
    inserts: dict[str, int]
    """The last insert's number, by partition."""
    reorg_inserts: dict[str, int] = {}
    """The same of the table `reorg`; empty where reverted blocks count."""
    final_blocks: dict[str, int] = {}
    """The newest block that is final, by chain; empty where rows need not be final."""


async def take_snapshot(store: Readable, tag: str, finality: Finality, final_blocks: int) -> Snapshot:
    """Return what the table `tag` has now; rows are final that `final_blocks` canonical blocks follow.

    Raises: Refused, where there is no such table, or it is a cluster's. There each shard numbers inserts for
    itself, so that a number names other rows on each; and a replica may get a part of a low number after one
    of a higher, so that the rows up to a number are not the same ones for ever.
    """
    engine = (await store.query(_ENGINE_SQL.format(tag=known_tag(tag)))).column("engine").to_pylist()
    if engine == ["Distributed"]:
        raise Refused(
            f"{tag}: expected a table of one server, found a cluster's, where inserts have numbers by shard "
            "and reach replicas in any order"
        )
    has_block = derive.has_block(tag) and finality != "instant"
    tips: Mapping[str, int] = {}
    if has_block and finality == "finalized":  # before the rows, lest a block count that they lack
        found = await store.query(_TIPS_SQL)
        tips = {str(row["chain_id"]): row["newest"] - final_blocks for row in found.to_pylist()}
    name = (await store.query(_IDENTITY_SQL)).column("name")[0].as_py()
    inserts: dict[str, dict[str, int]] = {}
    for row in (await store.query(_INSERTS_SQL.format(tag=tag))).to_pylist():
        inserts.setdefault(row["table"], {})[row["partition_id"]] = row["last"]
    return Snapshot(
        store=name,
        table=tag,
        finality=finality,
        inserts=inserts.get(tag, {}),
        reorg_inserts=inserts.get("reorg", {}) if has_block else {},
        final_blocks=dict(tips),
    )


def membership(snapshot: Snapshot) -> str:
    """Return the SQL test that a row of the snapshot's table is in it."""
    tests = [_until(snapshot.inserts)]
    tag = snapshot.table
    if derive.has_block(tag) and snapshot.finality != "instant":
        # every name and number is the engine's own or the schema's
        reverted = f"(SELECT * FROM reorg WHERE {_until(snapshot.reorg_inserts)})"  # noqa: S608
        test = ddl.canonical_test(reverted)
        if snapshot.finality == "finalized":
            test = f"{test} AND {_final(snapshot.final_blocks)}"
        tests.append(f"(block_hash IS NULL OR {test})" if derive.is_block_optional(tag) else test)
    return f"({' AND '.join(tests)})"


def _until(inserts: Mapping[str, int]) -> str:
    each = [f"(_partition_id = '{name}' AND _block_number <= {last})" for name, last in inserts.items()]
    return f"({' OR '.join(each) or '0'})"


def _final(blocks: Mapping[str, int]) -> str:
    each = [f"(chain_id = {int(chain)} AND block_number <= {last})" for chain, last in blocks.items()]
    return f"({' OR '.join(each) or '0'})"
