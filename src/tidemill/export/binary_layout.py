"""How are values kept that formats of Arrow's types have no type for?"""

from collections.abc import Mapping

KEPT_AS: Mapping[str, str] = {
    "U128": "16 bytes, little-endian",
    "U256": "32 bytes, little-endian",
    "I256": "32 bytes, little-endian, two's complement",
    "Hash": "32 bytes",
    "Address": "20 bytes",
}
"""By logical type."""
