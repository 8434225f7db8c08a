"""Which bytes does a text of 0x and hexadecimal digits stand for."""


def fixed_bytes(text: str, byte_count: int) -> bytes | None:
    """Return the bytes of 0x and just so many of them in digits of either case; None of any other text."""
    digits = text[2:] if text.startswith("0x") else ""
    try:
        found = bytes.fromhex(digits)
    except ValueError:
        return None
    # Blanks between digits are read over.
    return found if len(found) == byte_count and len(digits) == 2 * byte_count else None
