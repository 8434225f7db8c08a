"""Create a table for every event, as the schema of the day has it."""

from tidemill.schema.ddl import Placement, table_ddl
from tidemill.schema.events import EVENTS

IS_DERIVED = True


def statements(deduplication_window: int) -> list[str]:
    """Return the CREATE statements of all event tables."""
    placement = Placement(deduplication_window)
    return [statement for tag in EVENTS for statement in table_ddl(tag, placement)]
