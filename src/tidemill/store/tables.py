"""Say how an event's table is made: the schema's statement, with settings for many small inserts."""

from tidemill.schema import derive

_MERGE_AT_ONCE = 20
"""Parts are merged by twenty at the least: a part of some rows comes many times a second, and merging them
by five costs as much CPU again as inserting them (8.0 ms of CPU an insert by default, 5.4 ms by thirty)."""


def table_ddl(tag: str, deduplication_window: int) -> str:
    """Return the statement that makes the table `tag` where it is missing."""
    ddl = derive.clickhouse_ddl(tag, deduplication_window=deduplication_window)
    assert "\nSETTINGS " in ddl, "expected the schema's statement to end with its settings"
    return f"{ddl}, min_parts_to_merge_at_once = {_MERGE_AT_ONCE}"
