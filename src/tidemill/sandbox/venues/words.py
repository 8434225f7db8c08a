"""How one word of a contract's answer is read."""

from tidemill.schema.faults import Malformed

_WORD_BYTES = 32


def word(answer: bytes, index: int) -> int:
    """Return the unsigned integer at `index` of `answer`.

    Raises: Malformed where it is not that long.
    """
    start = index * _WORD_BYTES
    if len(answer) < start + _WORD_BYTES:
        raise Malformed(f"quote: expected at least {index + 1} words, found {len(answer)} bytes")
    return int.from_bytes(answer[start : start + _WORD_BYTES])


def signed_word(answer: bytes, index: int) -> int:
    """Return the signed integer at `index` of `answer`.

    Raises: Malformed where it is not that long.
    """
    value = word(answer, index)
    return value - 2**256 if value >= 2**255 else value
