"""Which token stands for an outcome: the number that ConditionalTokens gives a position.

Source: gnosis/conditional-tokens-contracts, CTHelpers.sol: a collection is a point of the curve alt_bn128,
y² = x³ + 3, found from the hash of condition and index set; a position is the hash of collateral and of that.
"""

from functools import lru_cache

from tidemill._rust import keccak256

_P = 21888242871839275222246405745257275088696311157297823662689037894645226208583
_SIGN = 1 << 254


@lru_cache(16_384)
def position_id(collateral: bytes, condition: bytes, index_set: int) -> int:
    """Return the token of outcomes of a condition that has no parent; bit n of `index_set` is outcome n."""
    return int.from_bytes(keccak256(collateral + _collection(condition, index_set)), "big")


def _collection(condition: bytes, index_set: int) -> bytes:
    x = int.from_bytes(keccak256(condition + index_set.to_bytes(32, "big")), "big")
    is_odd = bool(x >> 255)
    while True:
        x = (x + 1) % _P
        squared = (x**3 + 3) % _P
        y = pow(squared, (_P + 1) // 4, _P)
        if y * y % _P == squared:
            break
    if is_odd != bool(y & 1):
        y = _P - y
    return (x ^ _SIGN if y & 1 else x).to_bytes(32, "big")
