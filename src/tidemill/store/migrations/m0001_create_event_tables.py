"""Create a table for every event, as the schema of the day has it."""

from tidemill.schema.events import EVENTS
from tidemill.store.tables import table_ddl

IS_DERIVED = True


def statements(deduplication_window: int) -> list[str]:
    """Return the CREATE statements of all event tables."""
    return [table_ddl(tag, deduplication_window) for tag in EVENTS]
