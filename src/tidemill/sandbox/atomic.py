"""Arbitrage in one transaction: a contract with money of its own trades in a circle, wholly or not at all."""

from collections.abc import Sequence
from math import sqrt
from pathlib import Path

from tidemill.sandbox import abi
from tidemill.sandbox.market import Quote, by_pair
from tidemill.sandbox.moves import Move
from tidemill.sandbox.site import Site
from tidemill.sandbox.vyper_code import compiled_code
from tidemill.sandbox.world import Address, Pool, Token, World

EXECUTED = abi.topic("Executed(address,uint256,uint256)")
"""The log of a circle that paid: token, then amount and profit."""

_EXECUTE = "execute((address,address,address,uint256)[],uint256)"
_MINTED_TOKENS = 10**9
_WRAPPED_ETHER = 1_000_000
_LEAST_SHARE = 1e-6
"""Of a pool's depth: less is not worth the gas."""


def create_hand(site: Site, modules: Path, tokens: Sequence[Token]) -> Address:
    """Return where the contract will be once the site is mined, with tokens of every kind."""
    hand = site.create(compiled_code(modules, "ArbitrageHand"))
    for token in tokens:
        if token.symbol == "WETH":
            data = abi.flat_call("transfer(address,uint256)", hand, _WRAPPED_ETHER * 10**18)
        else:
            data = abi.flat_call("mint(address,uint256)", hand, _MINTED_TOKENS * 10**token.decimals)
        site.send(token.address, data)
    return hand


def atomic_arbitrages(world: World, quotes: Sequence[Quote], most: int) -> tuple[list[Move], set[Address]]:
    """Return at most `most` circles, each through two pools of a pair of its own, and the pools they are of.

    What each trades is the best size for pools of constant product; ticks that are crossed make some fail.
    """
    moves: list[Move] = []
    taken: set[Address] = set()
    senders = world.accounts.arbitrageurs
    for group in by_pair(quotes).values():
        low, high = min(group, key=_price), max(group, key=_price)
        size_in = _best_size(low, high)
        if len(moves) < most and size_in > _LEAST_SHARE * low.reserve1:
            sender = senders[len(moves) % len(senders)]
            moves.append(
                Move("arbitrage", sender, world.arbitrage_hand, circle(world, (low, high), int(size_in)))
            )
            taken |= {low.pool.address, high.pool.address}
    return moves, taken


def circle(world: World, pools: tuple[Quote, Quote], size_in: int) -> str:
    """Return the call that buys token 0 with `size_in` of token 1 in one pool and sells it in the other."""
    first, second = (quote.pool for quote in pools)
    return circle_over(world, (first, second), first.token1, size_in)


def circle_over(world: World, pools: tuple[Pool, Pool], token_in: Address, size_in: int) -> str:
    """Return the call that sells `size_in` of a token in the first pool and gets it back in the second."""
    routers = {(factory.dex, factory.protocol): factory.router for factory in world.factories}
    other = next(token for token in (pools[0].token0, pools[0].token1) if token != token_in)
    hops = [
        (
            routers[pool.dex, pool.protocol],
            *tokens,
            0 if pool.protocol == "uniswap_v2" else pool.fee_ppm,
        )
        for pool, tokens in zip(pools, ((token_in, other), (other, token_in)), strict=True)
    ]
    return abi.call(_EXECUTE, hops, size_in)


def _best_size(low: Quote, high: Quote) -> float:
    """Return how much of token 1 pays best: bought with where token 0 is cheap, got back where it is dear.

    x = (sqrt(K·M) - M) / N of two pools of constant product; below zero where nothing pays.
    """
    kept_low, kept_high = (1 - quote.pool.fee_ppm / 1_000_000 for quote in (low, high))
    gain = kept_low * kept_high * low.reserve0 * high.reserve1
    depth = low.reserve1 * high.reserve0
    slope = kept_low * (high.reserve0 + kept_high * low.reserve0)
    return (sqrt(gain * depth) - depth) / slope


def _price(quote: Quote) -> float:
    return quote.price
