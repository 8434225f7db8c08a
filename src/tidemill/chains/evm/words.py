"""How are numbers spelled in a contract's words of 32 bytes."""


def int_word(value: int, is_signed: bool = True) -> bytes:
    """Return a number as one word."""
    return value.to_bytes(32, "big", signed=is_signed)


def word(data: bytes, index: int) -> int:
    """Return the word at `index` as an unsigned number; zero beyond the end."""
    return int.from_bytes(data[32 * index : 32 * index + 32], "big")


def signed(data: bytes, index: int) -> int:
    """Return the word at `index` as a signed number; zero beyond the end."""
    return int.from_bytes(data[32 * index : 32 * index + 32], "big", signed=True)
