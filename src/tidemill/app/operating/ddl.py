"""Print what makes the event store in ClickHouse: for a cluster, whose tables are its operator's to make."""

from collections.abc import Iterator

from tidemill.app.settings import Environment
from tidemill.schema import ddl
from tidemill.schema.ddl import Placement
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Refused
from tidemill.schema.statistics import statistics_ddl


def statements(placement: Placement, final_blocks: int) -> Iterator[str]:
    """Yield the statements that make every table, then every view, in an order in which they can be run."""
    for tag in EVENTS:
        yield from ddl.table_ddl(tag, placement)
    for tag in EVENTS:
        yield from ddl.block_views_ddl(tag, final_blocks, placement)
    for tag in EVENTS:
        yield from statistics_ddl(tag, placement)
        yield from ddl.also_named_ddl(tag, placement)


def main(environment: Environment, cluster: str | None, database: str) -> int:
    """Print them, each ended by a semicolon; return the exit code.

    Raises: Refused, where a name is not one that SQL takes as it is.
    """
    for kind, name in (("cluster", cluster), ("database", database)):
        if name is not None and not name.isidentifier():
            raise Refused(f"db ddl: expected a {kind} named by letters, digits and _, found {name!r}")
    settings = environment.settings.store
    placement = Placement(settings.deduplication_window, cluster, database)
    for statement in statements(placement, settings.final_blocks):
        print(statement + ";\n")
    return 0
