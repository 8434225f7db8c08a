"""Let a pool's fee be absent: some are set while a swap runs, or told only by the node."""


def statements(deduplication_window: int) -> list[str]:
    """Return the change of the column; every older row has a fee."""
    return ["ALTER TABLE pool MODIFY COLUMN fee_ppm Nullable(UInt32)"]
