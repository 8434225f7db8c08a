"""What the traders want: noise that opens gaps, arbitrage that closes them, liquidity that comes and goes."""

from collections.abc import Sequence
from math import exp, log, sqrt
from random import Random

from msgspec import Struct

from tidemill.sandbox.fill import add_liquidity, mint_position
from tidemill.sandbox.market import Quote, by_pair, common_log_price
from tidemill.sandbox.moves import (
    Move,
    collect,
    move_price,
    remove_v2,
    shrink_position,
    swap_exact_in,
    swap_exact_out,
    swap_over,
)
from tidemill.sandbox.world import Address, Pool, World

_LARGE_SHARE = 0.08
_SMALL_SIZES = (1e-6, 1e-3)
_LARGE_SIZES = (1e-3, 1.5e-2)
"""Of a pool's depth: 1.5 % moves its price by 3 %, over several positions' edges."""
_TWO_POOL_SHARE = 0.1
"""Of the exact-in swaps on V2: they go on through a second pool in the same transaction."""
_STABLE_SCALE = 0.05
"""For pairs of stable tokens on V3, whose liquidity lies within a twentieth of the others' range."""
_PULL = 20
"""How strongly noise leans towards the fair price: fully from a distance of 2 %."""
_LEAN_MAX = 0.4
_LEAST_GAP = 5e-4
_POSITIONS_MAX = 200


class Position(Struct, frozen=True):
    """A V3 position of the provider, by its number."""

    position_id: int
    liquidity: int


class Crowd:
    """All traders together; what they do follows from the seed and from what they see."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._random = Random(seed)  # noqa: S311  traders, not secrets
        self._prices_usd = {token.address: float(token.start_price_usd) for token in world.tokens}
        self._decimals = {token.address: token.decimals for token in world.tokens}
        self._still = {token.address for token in world.tokens if token.volatility_bps == 0}
        self._routers = {(factory.dex, factory.protocol): factory.router for factory in world.factories}
        self.positions: list[Position] = []
        """What the provider has minted and may take out; the caller adds what the chain shows."""

    def pass_time(self, elapsed_s: float) -> None:
        """Let the fair prices wander."""
        for token in self._world.tokens:
            deviation = token.volatility_bps / 10_000 * sqrt(elapsed_s)
            self._prices_usd[token.address] *= exp(self._random.gauss(0, deviation))

    def arbitrages(self, quotes: Sequence[Quote], most: int) -> list[Move]:
        """Return at most `most` swaps that bring pools of one pair to a common price, widest gap first."""
        found: list[tuple[float, Quote, float]] = []
        for group in by_pair(quotes).values():
            common = common_log_price(group)
            for quote in group:
                at = log(quote.price)
                fee = quote.pool.fee_ppm / 1_000_000
                gain = abs(at - common) - fee
                if gain > _LEAST_GAP:
                    found.append((gain, quote, common + fee if at > common else common - fee))
        found.sort(key=lambda one: -one[0])
        senders = self._world.accounts.arbitrageurs
        return [
            Move("arbitrage", sender, self._router(quote), move_price(quote, exp(target), sender))
            for number, (_, quote, target) in enumerate(found[:most])
            for sender in (senders[number % len(senders)],)
        ]

    def noise(self, quotes: Sequence[Quote], count: int) -> list[Move]:
        """Return `count` swaps of random pool, direction and size, a third of them exact-out."""
        return [self._noise(self._random.choice(quotes)) for _ in range(count)]

    def liquidity(self, quotes: Sequence[Quote]) -> list[Move]:
        """Return what the provider does next, one to two transactions: adds to a pool or takes out of one."""
        quote = self._random.choice(quotes)
        adds = self._random.random() < 0.5 and len(self.positions) < _POSITIONS_MAX
        if quote.pool.protocol == "uniswap_v2":
            return [self._change_v2(quote, adds=adds)]
        if adds or not self.positions:
            return [self._mint_v3(quote)]
        return self._shrink_v3()

    def _router(self, quote: Quote) -> Address:
        return self._routers[quote.pool.dex, quote.pool.protocol]

    def _noise(self, quote: Quote) -> Move:
        random = self._random
        sender = random.choice(self._world.accounts.traders)
        least, most = _LARGE_SIZES if random.random() < _LARGE_SHARE else _SMALL_SIZES
        share = exp(random.uniform(log(least), log(most)))
        if quote.tick is not None and self._is_stable(quote):
            share *= _STABLE_SCALE
        cheap = max(-_LEAN_MAX, min(_LEAN_MAX, _PULL * log(self._fair(quote) / quote.price)))
        zero_for_one = random.random() < 0.5 - cheap  # below the fair price token 0 is rather bought
        if random.random() < 1 / 3:
            size_out = max(1, int(share * (quote.reserve1 if zero_for_one else quote.reserve0)))
            data = swap_exact_out(quote.pool, zero_for_one=zero_for_one, size_out=size_out, recipient=sender)
        else:
            size_in = max(1, int(share * (quote.reserve0 if zero_for_one else quote.reserve1)))
            data = self._sell(quote.pool, zero_for_one=zero_for_one, size_in=size_in, recipient=sender)
        return Move("noise", sender, self._router(quote), data)

    def _sell(self, pool: Pool, *, zero_for_one: bool, size_in: int, recipient: Address) -> str:
        if pool.protocol == "uniswap_v2" and self._random.random() < _TWO_POOL_SHARE:
            path = (pool.token0, pool.token1) if zero_for_one else (pool.token1, pool.token0)
            onward = [
                other.token1 if other.token0 == path[1] else other.token0
                for other in self._world.pools
                if other.factory == pool.factory and other != pool and path[1] in (other.token0, other.token1)
            ]
            if onward:
                return swap_over((*path, self._random.choice(onward)), size_in, recipient)
        return swap_exact_in(pool, zero_for_one=zero_for_one, size_in=size_in, recipient=recipient)

    def _is_stable(self, quote: Quote) -> bool:
        return self._still >= {quote.pool.token0, quote.pool.token1}

    def _fair(self, quote: Quote) -> float:
        token0, token1 = quote.pool.token0, quote.pool.token1
        scale = 10.0 ** (self._decimals[token1] - self._decimals[token0])
        return self._prices_usd[token0] / self._prices_usd[token1] * scale

    def _change_v2(self, quote: Quote, *, adds: bool) -> Move:
        pool, provider = quote.pool, self._world.accounts.provider
        share = self._random.uniform(1e-4, 2e-3)
        if adds:
            sizes = (int(quote.reserve0 * share), int(quote.reserve1 * share))
            data = add_liquidity(pool.token0, pool.token1, *sizes, provider)
        else:
            data = remove_v2(pool, int(sqrt(quote.reserve0 * quote.reserve1) * share), provider)
        return Move("liquidity", provider, self._router(quote), data)

    def _mint_v3(self, quote: Quote) -> Move:
        pool, provider = quote.pool, self._world.accounts.provider
        assert pool.tick_spacing is not None
        assert quote.tick is not None
        spacing = pool.tick_spacing
        middle = (quote.tick // spacing + self._random.randint(-6, 6)) * spacing
        width = self._random.randint(1, 12) * spacing
        share = self._random.uniform(1e-4, 2e-3)
        sizes = (int(quote.reserve0 * share), int(quote.reserve1 * share))
        data = mint_position(
            (pool.token0, pool.token1), pool.fee_ppm, (middle - width, middle + width), sizes, provider
        )
        return Move("liquidity", provider, self._world.position_manager, data)

    def _shrink_v3(self) -> list[Move]:
        provider, manager = self._world.accounts.provider, self._world.position_manager
        chosen = self.positions.pop(self._random.randrange(len(self.positions)))
        calls = (shrink_position(chosen.position_id, chosen.liquidity), collect(chosen.position_id, provider))
        return [Move("liquidity", provider, manager, data) for data in calls]
