"""Let a swap's sender and recipient be absent: not every log names them."""

_ABSENT_OR = "Nullable(FixedString(20))"


def statements(deduplication_window: int) -> list[str]:
    """Return the changes of the columns; every older row has both."""
    return [
        statement
        for column in ("sender", "recipient")
        for statement in (
            f"ALTER TABLE swap MODIFY COLUMN {column} {_ABSENT_OR}",
            f"ALTER TABLE swap MODIFY COLUMN {column}_hex Nullable(String)"
            f" ALIAS concat('0x', lower(hex({column})))",
        )
    ]
