"""How each thing a trader does is spelled as a transaction."""

from collections.abc import Sequence
from math import sqrt
from typing import Literal

from msgspec import Struct

from tidemill.sandbox import abi
from tidemill.sandbox.market import Quote
from tidemill.sandbox.world import Address, Pool

Kind = Literal["noise", "arbitrage", "liquidity"]

_PLENTY = 2**100
"""More than any pool takes and less than any account has of an 18-decimal token."""
_Q96 = 2**96
_PATH_OFFSET = 0xA0


class Move(Struct, frozen=True):
    """One transaction to be: who acts, on what, and what for."""

    kind: Kind
    sender: Address
    to: Address
    data: str


def swap_exact_in(pool: Pool, *, zero_for_one: bool, size_in: int, recipient: Address) -> str:
    """Return the router's call that sells exactly `size_in`, at any price."""
    token_in, token_out = _direction(pool, zero_for_one=zero_for_one)
    if pool.protocol == "uniswap_v2":
        return swap_over((token_in, token_out), size_in, recipient)
    return _v3_exact_in(pool, (token_in, token_out), recipient, size_in, 0)


def swap_exact_out(pool: Pool, *, zero_for_one: bool, size_out: int, recipient: Address) -> str:
    """Return the router's call that buys exactly `size_out`, at any price."""
    token_in, token_out = _direction(pool, zero_for_one=zero_for_one)
    if pool.protocol == "uniswap_v2":
        signature = "swapTokensForExactTokens(uint256,uint256,address[],address,uint256)"
        return _v2_swap(signature, (size_out, abi.MAX_UINT256), (token_in, token_out), recipient)
    signature = "exactOutputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
    return abi.flat_call(
        signature, token_in, token_out, pool.fee_ppm, recipient, abi.MAX_UINT256, size_out, abi.MAX_UINT256, 0
    )


def swap_over(path: Sequence[Address], size_in: int, recipient: Address) -> str:
    """Return Router02's call that sells exactly `size_in` of the first token for the last, at any price."""
    signature = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
    return _v2_swap(signature, (size_in, 0), path, recipient)


def move_price(quote: Quote, price: float, recipient: Address) -> str:
    """Return the router's call that moves a pool to `price` (smallest units of token 1 for one of token 0).

    A V3 swap is stopped there by its price limit; for V2 the size is worked out from the reserves.
    """
    pool = quote.pool
    zero_for_one = price < quote.price
    if pool.protocol == "uniswap_v3":
        limit = int(sqrt(price) * _Q96)
        return _v3_exact_in(pool, _direction(pool, zero_for_one=zero_for_one), recipient, _PLENTY, limit)
    product = quote.reserve0 * quote.reserve1
    if zero_for_one:
        added = sqrt(product / price) - quote.reserve0
    else:
        added = sqrt(product * price) - quote.reserve1
    size_in = max(1, int(added / (1 - pool.fee_ppm / 1_000_000)))
    return swap_exact_in(pool, zero_for_one=zero_for_one, size_in=size_in, recipient=recipient)


def remove_v2(pool: Pool, liquidity: int, recipient: Address) -> str:
    """Return Router02's call that burns `liquidity` pool tokens."""
    signature = "removeLiquidity(address,address,uint256,uint256,uint256,address,uint256)"
    return abi.flat_call(signature, pool.token0, pool.token1, liquidity, 0, 0, recipient, abi.MAX_UINT256)


def shrink_position(position_id: int, liquidity: int) -> str:
    """Return the position manager's call that takes `liquidity` out of a position."""
    signature = "decreaseLiquidity((uint256,uint128,uint256,uint256,uint256))"
    return abi.flat_call(signature, position_id, liquidity, 0, 0, abi.MAX_UINT256)


def collect(position_id: int, recipient: Address) -> str:
    """Return the position manager's call that pays out what is owed to a position."""
    most = 2**128 - 1
    return abi.flat_call("collect((uint256,address,uint128,uint128))", position_id, recipient, most, most)


def _direction(pool: Pool, *, zero_for_one: bool) -> tuple[Address, Address]:
    return (pool.token0, pool.token1) if zero_for_one else (pool.token1, pool.token0)


def _v2_swap(signature: str, sizes: tuple[int, int], path: Sequence[Address], recipient: Address) -> str:
    return abi.flat_call(signature, *sizes, _PATH_OFFSET, recipient, abi.MAX_UINT256, len(path), *path)


def _v3_exact_in(
    pool: Pool, path: tuple[Address, Address], recipient: Address, size_in: int, sqrt_price_limit_x96: int
) -> str:
    signature = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
    return abi.flat_call(
        signature, *path, pool.fee_ppm, recipient, abi.MAX_UINT256, size_in, 0, sqrt_price_limit_x96
    )
