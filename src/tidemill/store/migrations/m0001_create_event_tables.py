"""Create a table for every event, as the schema of the day has it."""

from tidemill.schema import derive
from tidemill.schema.events import EVENTS

IS_DERIVED = True


def statements(deduplication_window: int) -> list[str]:
    """Return the CREATE statements of all event tables."""
    return [derive.clickhouse_ddl(tag, deduplication_window=deduplication_window) for tag in EVENTS]
