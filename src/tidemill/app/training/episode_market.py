"""What are two pairs worth to one who trades between them: exact swaps, the best size, how a gap opens."""

from collections.abc import Sequence
from math import log, sqrt
from typing import NamedTuple

FEE_PPM = 3_000
_KEPT = 1 - FEE_PPM / 1_000_000


class Reserves(NamedTuple):
    """What a pair of Uniswap V2 or a fork holds, smallest units."""

    weth: int
    usdc: int

    @property
    def price(self) -> float:
        """Smallest units of USDC for one of WETH."""
        return self.usdc / self.weth

    def after(self, size_in: int, *, sells_weth: bool) -> tuple["Reserves", int]:
        """Return the pair after a swap, and what that gave: rounded down, as the contract does."""
        held_in, held_out = (self.weth, self.usdc) if sells_weth else (self.usdc, self.weth)
        kept = size_in * (1_000_000 - FEE_PPM)
        out = kept * held_out // (held_in * 1_000_000 + kept)
        if sells_weth:
            return Reserves(self.weth + size_in, self.usdc - out), out
        return Reserves(self.weth - out, self.usdc + size_in), out


class Circle(NamedTuple):
    """WETH bought with USDC in one pair and sold in the other."""

    cheap: int
    """Where it is bought: the first or the second pair."""
    size_in: int
    """Smallest units of USDC."""
    gain: int
    """Smallest units of USDC, before gas; below zero where no size pays."""


def best_circle(pairs: Sequence[Reserves]) -> Circle:
    """Return the circle of the best size: sqrt(K·M) - M over N, of two pools of constant product."""
    cheap = 0 if pairs[0].price < pairs[1].price else 1
    low, high = pairs[cheap], pairs[1 - cheap]
    depth = low.usdc * high.weth
    gain = _KEPT * _KEPT * low.weth * high.usdc
    slope = _KEPT * (high.weth + _KEPT * low.weth)
    size_in = max(int((sqrt(gain * depth) - depth) / slope), 1_000_000)
    return Circle(cheap, size_in, gain_of(pairs, cheap, size_in))


def gain_of(pairs: Sequence[Reserves], cheap: int, size_in: int) -> int:
    """Return what a circle of this size gains, smallest units of USDC."""
    _, weth = pairs[cheap].after(size_in, sells_weth=False)
    return pairs[1 - cheap].after(weth, sells_weth=True)[1] - size_in


def planting(pairs: Sequence[Reserves], cheap: int, gap: float) -> tuple[bool, int]:
    """Return the swap that leaves a gap beyond both fees: whether it sells WETH, and how much comes in."""
    pair, other = pairs[cheap], pairs[1 - cheap]
    wanted = other.price * _KEPT * _KEPT * (1 - gap)
    if wanted < pair.price:
        return True, int((sqrt(pair.weth * pair.usdc / wanted) - pair.weth) / _KEPT) + 1
    return False, int((sqrt(pair.weth * pair.usdc * wanted) - pair.usdc) / _KEPT) + 1


def movement(before: Sequence[Reserves], after: Sequence[Reserves]) -> float:
    """Return how far both prices moved, as the sum of their logarithms' changes."""
    return sum(abs(log(b.price / a.price)) for a, b in zip(before, after, strict=True))
