"""How are exact values written where numbers are floats: as text that has every digit."""

from decimal import Decimal
from typing import Any


def plain_value(value: Any) -> Any:
    """Return a value as JSON has it: decimals without needless zeros, bytes as 0x…, both as text."""
    match value:
        case Decimal():
            return decimal_text(value)
        case bytes():
            return f"0x{value.hex()}"
        case _:
            return value


def decimal_text(value: Decimal) -> str:
    """Return an exact number without needless zeros and without an exponent.

    Example:
        >>> decimal_text(Decimal("1e3")), decimal_text(Decimal("0.540000000000000000"))
        ('1000', '0.54')
    """
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
