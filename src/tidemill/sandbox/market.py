"""What traders see before they act: every pool's price and depth, read in one call."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import exp, log, sqrt

from msgspec import Struct

from tidemill.sandbox import abi
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import Address, Pool, World
from tidemill.schema.faults import Malformed

_Q96 = 2**96


class Quote(Struct, frozen=True):
    """A pool as a trader sees it; floats, for these traders only guess."""

    pool: Pool
    reserve0: float
    """Smallest units; for V3 what a V2 pool of the same price and depth would hold."""
    reserve1: float
    tick: int | None
    """None for V2."""

    @property
    def price(self) -> float:
        """Smallest units of token 1 for one of token 0."""
        return self.reserve1 / self.reserve0


def common_log_price(group: Sequence[Quote]) -> float:
    """Return the logarithm of the price that the pools of one pair have together, weighted by their depth."""
    weights = [sqrt(quote.reserve0 * quote.reserve1) for quote in group]
    logs = [log(quote.price) for quote in group]
    return sum(w * x for w, x in zip(weights, logs, strict=True)) / sum(weights)


def by_pair(quotes: Sequence[Quote]) -> dict[tuple[Address, Address], list[Quote]]:
    """Return the quotes of each pair, both in the order given."""
    groups: dict[tuple[Address, Address], list[Quote]] = defaultdict(list)
    for quote in quotes:
        groups[quote.pool.token0, quote.pool.token1].append(quote)
    return groups


def unit_prices(quotes: Sequence[Quote], anchor: Address) -> dict[Address, float]:
    """Return what a smallest unit of each token is worth in smallest units of `anchor`, as pools trade it.

    A token that no chain of pairs joins to the anchor is not there.
    """
    prices = {anchor: 1.0}
    common = {pair: exp(common_log_price(group)) for pair, group in by_pair(quotes).items()}
    grown = True
    while grown:
        grown = False
        for (token0, token1), price in common.items():
            if token1 in prices and token0 not in prices:
                prices[token0] = price * prices[token1]
                grown = True
            elif token0 in prices and token1 not in prices:
                prices[token1] = prices[token0] / price
                grown = True
    return prices


class MarketReader:
    """Reads the pools of one world by Multicall3; the request is built once."""

    def __init__(self, world: World) -> None:
        self._pools = world.pools
        self._multicall = world.multicall
        self._data = abi.call("aggregate3((address,bool,bytes)[])", _calls(world.pools))

    async def read(self, rpc: Rpc) -> list[Quote]:
        """Return the latest quote of each pool that has liquidity, in the world's order.

        Raises: Unreachable, Refused, Malformed.
        """
        answer = await rpc.call("eth_call", {"to": self._multicall, "data": self._data}, "latest")
        (results,) = abi.decode(["(bool,bytes)[]"], answer)
        answers = iter(results)
        quotes = (_quote(pool, answers) for pool in self._pools)
        return [quote for quote in quotes if quote.reserve0 > 0 and quote.reserve1 > 0]


def _calls(pools: Sequence[Pool]) -> list[tuple[Address, bool, bytes]]:
    calls: list[tuple[Address, bool, bytes]] = []
    for pool in pools:
        views = ("getReserves()",) if pool.protocol == "uniswap_v2" else ("slot0()", "liquidity()")
        calls += [(pool.address, False, abi.selector(view)) for view in views]
    return calls


def _quote(pool: Pool, answers: Iterator[tuple[bool, bytes]]) -> Quote:
    words = _words(next(answers)[1], 2)
    if pool.protocol == "uniswap_v2":
        return Quote(pool, float(words[0]), float(words[1]), None)
    sqrt_price = words[0] / _Q96
    tick = words[1] - 2**256 if words[1] >= 2**255 else words[1]
    liquidity = _words(next(answers)[1], 1)[0]
    return Quote(pool, liquidity / sqrt_price, liquidity * sqrt_price, tick)


def _words(data: bytes, count: int) -> list[int]:
    if len(data) < 32 * count:
        raise Malformed(f"multicall: expected {count} words, found {len(data)} bytes")
    return [int.from_bytes(data[start : start + 32]) for start in range(0, 32 * count, 32)]
