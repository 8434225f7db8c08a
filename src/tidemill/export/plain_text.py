"""How are values kept that text formats have no type for?"""

from collections.abc import Mapping

_DIGITS = "all digits, as text"
_HEX = "0x and lower-case hexadecimal digits, as text"

KEPT_AS: Mapping[str, str] = {
    "Nanos": "integer, ns since 1970-01-01 UTC",
    "U128": _DIGITS,
    "U256": _DIGITS,
    "I256": _DIGITS,
    "Hash": _HEX,
    "Address": _HEX,
    "Fixed18": "decimal digits without needless zeros, as text",
    "F64": "the fewest digits that give the same double",
}
"""By logical type."""
