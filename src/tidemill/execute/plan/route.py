"""What is a route: a loan, and the hops that turn it into more of the same token."""

from typing import Literal

from msgspec import Struct

from tidemill.execute.plan.kinds import HopKind, LoanSource

Address = bytes
"""20 bytes."""


class Loan(Struct, frozen=True, kw_only=True):
    """What is borrowed, of whom; the owner's own money where the source is `OWN_FUNDS`."""

    source: LoanSource
    lender: Address
    """Pool, pair or vault; 20 zero bytes of own funds."""
    token: Address
    amount: int
    """Smallest units, above zero."""
    fee_ppm: int = 0
    """What a pair of Uniswap V2 keeps, millionths; every other lender tells its fee itself."""


class _Hop(Struct, frozen=True, kw_only=True):
    token_out: Address
    min_out: int
    """Smallest units; less and the whole route is undone."""


class PairHop(_Hop, frozen=True, kw_only=True, tag=HopKind.UNISWAP_V2.name):
    """A swap in a pair of Uniswap V2 or a fork."""

    pair: Address
    fee_ppm: int


class TickedHop(_Hop, frozen=True, kw_only=True, tag=HopKind.UNISWAP_V3.name):
    """A swap in a pool of Uniswap V3, of Algebra, or of a fork of either."""

    pool: Address
    kind: Literal[HopKind.UNISWAP_V3, HopKind.ALGEBRA] = HopKind.UNISWAP_V3


class SolidlyHop(_Hop, frozen=True, kw_only=True, tag=HopKind.SOLIDLY.name):
    """A swap in a pair of Solidly or Aerodrome, which knows its own formula."""

    pair: Address


class CurveHop(_Hop, frozen=True, kw_only=True, tag=HopKind.CURVE.name):
    """A swap between two coins of a Curve pool, by their places."""

    pool: Address
    coin_in: int
    coin_out: int
    is_uint_indexed: bool
    """Whether the pool's `exchange` takes places as uint256, as those of the cryptoswap kind do."""


class BalancerV2Hop(_Hop, frozen=True, kw_only=True, tag=HopKind.BALANCER_V2.name):
    """A swap in a pool of Balancer V2's vault."""

    vault: Address
    pool_id: bytes
    """32 bytes."""


class BalancerV3Hop(_Hop, frozen=True, kw_only=True, tag=HopKind.BALANCER_V3.name):
    """A swap in a pool of Balancer V3's vault."""

    vault: Address
    pool: Address


class UniswapV4Hop(_Hop, frozen=True, kw_only=True, tag=HopKind.UNISWAP_V4.name):
    """A swap in a pool of Uniswap V4's manager; ether itself is not traded."""

    manager: Address
    fee_ppm: int
    tick_spacing: int
    hooks: Address


Hop = PairHop | TickedHop | SolidlyHop | CurveHop | BalancerV2Hop | BalancerV3Hop | UniswapV4Hop


class Route(Struct, frozen=True, kw_only=True):
    """A circle of swaps with borrowed money: all of it, or nothing."""

    loan: Loan
    hops: tuple[Hop, ...]
    """The last one gives the borrowed token; each sells all that the one before gave."""
    min_profit: int
    """Smallest units of the borrowed token, after the lender's fee."""
    last_block: int
    """The last block that may include it."""
