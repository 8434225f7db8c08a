"""What is traded in pools of further kinds: noise opens gaps to the other venues, arbitrage closes them."""

from collections.abc import Mapping, Sequence
from math import exp, log
from random import Random
from typing import Literal

from msgspec import Struct

from tidemill.sandbox import abi
from tidemill.sandbox.moves import Move
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.venues import VENUES, Change, Leg
from tidemill.sandbox.venues.venue import further_senders
from tidemill.sandbox.world import Address, FurtherPool, Protocol, World

_POOLS_READ = 3
"""Each block; the others have their turn in the next ones, so that a block stays cheap."""
_LADDER = (1e-4, 2e-3, 1e-2, 4e-2, 1.2e-1)
"""Sizes that are asked for, of a pool's depth: a stable pool's price hardly moves by less than the last."""
_LEAST_GAP = 5e-4
_LIQUIDITY_SHARES = (1e-4, 2e-3)
"""Of what was put into a pool at the start."""
_NOISE_SIZES = (1e-5, 6e-3)
"""Of a pool's depth."""


class Offer(Struct, frozen=True):
    """What a pool's own contract answers for a size."""

    pool: FurtherPool
    leg: Leg
    size_out: int


def gains(offers: Sequence[Offer], prices: Mapping[Address, float]) -> list[tuple[float, Offer]]:
    """Return each pool's offer that gains most at these prices, and what it gains; the most first."""
    best: dict[tuple[Address, str | None], tuple[float, Offer]] = {}
    for offer in offers:
        tokens, leg = offer.pool.tokens, offer.leg
        given = leg.size * prices[tokens[leg.token_in]]
        gain = offer.size_out * prices[tokens[leg.token_out]] - given
        pool = (offer.pool.address, offer.pool.pool_id)
        if gain > given * _LEAST_GAP and (pool not in best or gain > best[pool][0]):
            best[pool] = (gain, offer)
    return sorted(best.values(), key=lambda one: -one[0])


class FurtherCrowd:
    """Who trades in pools of further kinds; what they do follows from the seed and from what they see."""

    def __init__(self, world: World, seed: int, protocols: Sequence[Protocol] | None = None) -> None:
        self._random = Random(f"further {seed}")  # noqa: S311  traders, not secrets
        self._pools = [
            pool for pool in world.further_pools if protocols is None or pool.protocol in protocols
        ]
        self._multicall = world.multicall
        self._arbitrageur, *self._traders = further_senders(world.accounts)
        self._provider = world.accounts.provider
        self._tokens = {token.address: token for token in world.tokens}
        self._units_per_usd = {
            token.address: 10**token.decimals / token.start_price_usd for token in world.tokens
        }
        self._turns = [
            _question(legs)
            for start in range(0, len(self._pools), _POOLS_READ)
            for legs in (self._legs(self._pools[start : start + _POOLS_READ]),)
        ]
        self._turn = 0

    @property
    def turns(self) -> int:
        """How many readings it takes to see every pool."""
        return len(self._turns)

    async def read(self, rpc: Rpc) -> list[Offer]:
        """Return what the pools whose turn it is offer; a size that a pool refuses is left out.

        Raises: Unreachable, Refused, Malformed.
        """
        legs, data = self._turns[self._turn]
        self._turn = (self._turn + 1) % len(self._turns)
        answer = await rpc.call("eth_call", {"to": self._multicall, "data": data}, "latest")
        (results,) = abi.decode(["(bool,bytes)[]"], answer)
        return [
            Offer(pool, leg, VENUES[pool.protocol].read_out(told, leg))
            for (pool, leg), (is_told, told) in zip(legs, results, strict=True)
            if is_told
        ]

    def arbitrages(self, offers: Sequence[Offer], prices: Mapping[Address, float], most: int) -> list[Move]:
        """Return at most `most` swaps, of each pool's the one that gains most at the other pools' prices."""
        return [
            self._move("arbitrage", offer.pool, offer.leg, self._arbitrageur)
            for _, offer in gains(offers, prices)[:most]
        ]

    def noise(self, count: int) -> list[Move]:
        """Return `count` swaps of random pool, tokens and size."""
        moves: list[Move] = []
        for _ in range(count):
            pool = self._random.choice(self._pools)
            token_in, token_out = self._random.sample(range(len(pool.tokens)), 2)
            share = exp(self._random.uniform(*map(log, _NOISE_SIZES)))
            leg = Leg(token_in, token_out, self._size(pool, token_in, share))
            moves.append(self._move("noise", pool, leg, self._random.choice(self._traders)))
        return moves

    def liquidity(self) -> Move:
        """Return what the provider does next: adds a little to a pool or takes a little out."""
        pool = self._random.choice(self._pools)
        change = Change(
            adds=self._random.random() < 0.5,
            share=self._random.uniform(*_LIQUIDITY_SHARES),
            tokens=tuple(self._tokens[token] for token in pool.tokens),
            provider=self._provider,
        )
        data = VENUES[pool.protocol].change_liquidity(pool, change)
        return Move("liquidity", self._provider, pool.manager, data)

    def _move(
        self, kind: Literal["noise", "arbitrage"], pool: FurtherPool, leg: Leg, sender: Address
    ) -> Move:
        return Move(kind, sender, pool.router, VENUES[pool.protocol].swap(pool, leg, sender))

    def _legs(self, pools: Sequence[FurtherPool]) -> list[tuple[FurtherPool, Leg]]:
        return [
            (pool, Leg(token_in, token_out, self._size(pool, token_in, share)))
            for pool in pools
            for token_in in range(len(pool.tokens))
            for token_out in range(len(pool.tokens))
            if token_in != token_out
            for share in _LADDER
        ]

    def _size(self, pool: FurtherPool, token: int, share: float) -> int:
        return max(1, int(pool.depth_usd * share * self._units_per_usd[pool.tokens[token]]))


def _question(legs: list[tuple[FurtherPool, Leg]]) -> tuple[list[tuple[FurtherPool, Leg]], str]:
    """Return the legs with the one call that asks for all of them."""
    calls = [
        (pool.quoter, True, bytes.fromhex(VENUES[pool.protocol].ask_out(pool, leg)[2:])) for pool, leg in legs
    ]
    return legs, abi.call("aggregate3((address,bool,bytes)[])", calls)
