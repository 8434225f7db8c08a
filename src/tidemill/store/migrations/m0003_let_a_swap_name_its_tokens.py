"""Let a swap name its two tokens, as its pool may have more, and not its sender, as its log may not."""

_ADDRESS = "Nullable(FixedString(20))"


def _hex(column: str) -> str:
    return f"{column}_hex Nullable(String) ALIAS concat('0x', lower(hex({column})))"


def statements(deduplication_window: int) -> list[str]:
    """Return the changes of the columns; every older row has a sender, and is of its pool's two tokens."""
    return [
        f"ALTER TABLE swap MODIFY COLUMN sender {_ADDRESS}",
        f"ALTER TABLE swap MODIFY COLUMN recipient {_ADDRESS}",
        f"ALTER TABLE swap MODIFY COLUMN {_hex('sender')}",
        f"ALTER TABLE swap MODIFY COLUMN {_hex('recipient')}",
        f"ALTER TABLE swap ADD COLUMN IF NOT EXISTS token0 {_ADDRESS} AFTER recipient",
        f"ALTER TABLE swap ADD COLUMN IF NOT EXISTS token1 {_ADDRESS} AFTER token0",
        f"ALTER TABLE swap ADD COLUMN IF NOT EXISTS {_hex('token0')}",
        f"ALTER TABLE swap ADD COLUMN IF NOT EXISTS {_hex('token1')}",
    ]
