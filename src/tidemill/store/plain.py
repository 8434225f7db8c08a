"""How are exact values written where numbers are floats: as text that has every digit."""

from decimal import Decimal
from functools import lru_cache
from typing import Any

_E18 = 10**18


def plain_value(value: Any) -> Any:
    """Return a value as JSON has it: decimals without needless zeros, bytes as 0x…, both as text."""
    match value:
        case Decimal():
            return decimal_text(value)
        case bytes():
            return f"0x{value.hex()}"
        case _:
            return value


@lru_cache(65_536)
def e18_text(value_e18: int) -> str:
    """Return a number of 10^-18, not negative, without needless zeros; books tell the same ones again.

    Example:
        >>> e18_text(540_000_000_000_000_000), e18_text(10**21), e18_text(0)
        ('0.54', '1000', '0')
    """
    whole, part = divmod(value_e18, _E18)
    return f"{whole}.{part:018d}".rstrip("0") if part else str(whole)


def decimal_text(value: Decimal) -> str:
    """Return an exact number without needless zeros and without an exponent.

    Example:
        >>> decimal_text(Decimal("1e3")), decimal_text(Decimal("0.540000000000000000"))
        ('1000', '0.54')
    """
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
