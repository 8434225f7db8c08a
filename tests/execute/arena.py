"""A world with an executor, every lender whose code is to be had, and gaps to trade on."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import vyper
from msgspec import Struct
from tests.execute import aave_v3
from tests.execute.late_site import LateSite

from tidemill.execute.plan.executor_code import creation_code
from tidemill.execute.plan.kinds import HopKind, LoanSource
from tidemill.execute.plan.route import (
    BalancerV2Hop,
    BalancerV3Hop,
    CurveHop,
    Hop,
    Loan,
    PairHop,
    Route,
    TickedHop,
    UniswapV4Hop,
)
from tidemill.execute.plan.route_codec import call_data, encode
from tidemill.sandbox import abi
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.moves import swap_exact_in
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.sandbox.site import FEES
from tidemill.sandbox.venues import VENUES, Leg
from tidemill.sandbox.venues.venue import further_senders
from tidemill.sandbox.world import FurtherPool, Pool, World

NOBODY = bytes(20)
EXECUTED = abi.topic("Executed(address,uint256,uint256,uint256)")
LAST_BLOCK = 2**40 - 1
BORROWED = 20_000 * 10**6
"""USDC."""
_GAS = 5_000_000
_MORPHO = Path(__file__).parent / "vyper/MinimalMorpho.vy"
_TICKED = ("uniswap_v3", "pancake_v3")
_ALGEBRA = ("algebra_v1", "algebra_v2", "algebra_integral")

AnyPool = Pool | FurtherPool


class Arena(Struct, frozen=True):
    """Where executors are tried."""

    world: World
    rpc: Rpc
    executor: str
    owner: str
    operator: str
    lenders: dict[LoanSource, bytes]

    def token(self, symbol: str) -> bytes:
        """Return a token's address."""
        return bytes_of(self.world.token(symbol).address)

    async def call(self, to: str, data: str) -> str:
        """Return what a view answers."""
        return await self.rpc.call("eth_call", {"to": to, "data": data}, "latest")

    async def balance(self, token: str | bytes, holder: str) -> int:
        """Return who has how much."""
        address = token if isinstance(token, str) else "0x" + token.hex()
        return int(await self.call(address, abi.flat_call("balanceOf(address)", holder)), 16)

    async def send(self, sender: str, to: str, data: str | bytes) -> dict[str, Any]:
        """Return the receipt of a transaction in a block of its own."""
        text = data if isinstance(data, str) else "0x" + data.hex()
        transaction = {"from": sender, "to": to, "data": text, "gas": hex(_GAS), **FEES}
        digest = await self.rpc.call("eth_sendTransaction", transaction)
        await self.rpc.call("evm_mine")
        return await self.rpc.call("eth_getTransactionReceipt", digest)

    async def execute(self, route: Route, sender: str | None = None) -> dict[str, Any]:
        """Return the receipt of a route that is carried out."""
        return await self.send(sender or self.operator, self.executor, call_data(encode(route)))

    async def why(self, data: bytes, sender: str | None = None) -> str:
        """Return what a call of the executor says when it is refused."""
        asked = {"from": sender or self.operator, "to": self.executor, "data": "0x" + data.hex()}
        [answer] = await self.rpc.each([Call("eth_call", [asked, "latest"])])
        assert not isinstance(answer, str), "expected to be refused"
        return answer.message

    async def widen(self, pool: AnyPool, token_in: str, size: int) -> None:
        """Sell so much of a token to a pool, of several for USDC, which makes it cheap there."""
        place = pool_tokens(pool).index(token_in)
        if isinstance(pool, Pool):
            trader = self.world.accounts.traders[0]
            router = next(
                factory.router
                for factory in self.world.factories
                if (factory.dex, factory.protocol) == (pool.dex, pool.protocol)
            )
            data = swap_exact_in(pool, zero_for_one=place == 0, size_in=size, recipient=trader)
            receipt = await self.send(trader, router, data)
        else:
            trader = further_senders(self.world.accounts)[-1]
            leg = Leg(place, pool.tokens.index(self.world.token("USDC").address), size)
            receipt = await self.send(trader, pool.router, VENUES[pool.protocol].swap(pool, leg, trader))
        assert receipt["status"] == "0x1"

    def pool(self, dex: str, protocol: str, symbols: tuple[str, str], fee_ppm: int | None = None) -> Pool:
        """Return a pool of Uniswap V2 or V3."""
        wanted = {self.world.token(symbol).address for symbol in symbols}
        return next(
            pool
            for pool in self.world.pools
            if (pool.dex, pool.protocol) == (dex, protocol)
            and {pool.token0, pool.token1} == wanted
            and fee_ppm in (None, pool.fee_ppm)
        )

    def further(self, protocol: str, symbols: tuple[str, str]) -> FurtherPool:
        """Return a pool of another kind that has both tokens."""
        wanted = {self.world.token(symbol).address for symbol in symbols}
        return next(
            pool
            for pool in self.world.further_pools
            if pool.protocol == protocol and wanted <= set(pool.tokens)
        )

    def loan(self, source: LoanSource, amount: int = BORROWED) -> Loan:
        """Return a loan of USDC."""
        fee_ppm = 3_000 if source == LoanSource.UNISWAP_V2 else 0
        lender = self.lenders[source]
        return Loan(source=source, lender=lender, token=self.token("USDC"), amount=amount, fee_ppm=fee_ppm)


def bytes_of(address: str) -> bytes:
    """Return an address as bytes."""
    return bytes.fromhex(address[2:])


def pool_tokens(pool: AnyPool) -> tuple[str, ...]:
    """Return a pool's tokens."""
    return (pool.token0, pool.token1) if isinstance(pool, Pool) else pool.tokens


def hop(pool: AnyPool, token_in: bytes, token_out: bytes, min_out: int = 0) -> Hop:
    """Return the hop that sells one of a pool's tokens for another."""
    address = bytes_of(pool.address)
    terms: dict[str, Any] = {"token_out": token_out, "min_out": min_out}
    if pool.protocol == "uniswap_v2":
        return PairHop(pair=address, fee_ppm=3_000, **terms)
    if pool.protocol in _TICKED:
        return TickedHop(pool=address, **terms)
    if pool.protocol in _ALGEBRA:
        return TickedHop(pool=address, kind=HopKind.ALGEBRA, **terms)
    assert isinstance(pool, FurtherPool)
    if pool.protocol == "uniswap_v4":
        assert pool.fee_ppm is not None
        assert pool.tick_spacing is not None
        return UniswapV4Hop(
            manager=address, fee_ppm=pool.fee_ppm, tick_spacing=pool.tick_spacing, hooks=NOBODY, **terms
        )
    if pool.protocol in ("balancer_v2_weighted", "balancer_v2_stable"):
        assert pool.vault is not None
        assert pool.pool_id is not None
        return BalancerV2Hop(vault=bytes_of(pool.vault), pool_id=bytes_of(pool.pool_id), **terms)
    places = [pool.tokens.index("0x" + token.hex()) for token in (token_in, token_out)]
    return CurveHop(pool=address, coin_in=places[0], coin_out=places[1], is_uint_indexed=False, **terms)


def route(loan: Loan, hops: Sequence[Hop], *, min_profit: int = 0, last_block: int = LAST_BLOCK) -> Route:
    """Return a route without a limit of profit or time, but where they are given."""
    return Route(loan=loan, hops=tuple(hops), min_profit=min_profit, last_block=last_block)


def profit_told(receipt: dict[str, Any]) -> int:
    """Return what the executor says that it gained."""
    [log] = [log for log in receipt["logs"] if log["topics"][0] == EXECUTED]
    _, profit, _ = abi.decode(["uint256", "uint256", "uint256"], log["data"])
    return profit


@asynccontextmanager
async def open_arena() -> AsyncIterator[Arena]:
    """Open a world and put everything into it."""
    async with open_world() as world, Rpc(world.http_url) as rpc:
        usdc = world.token("USDC")
        owner, operator = world.accounts.arbitrageurs[0], world.accounts.arbitrageurs[1]
        aave = await aave_v3.deploy(world, rpc, usdc, 10**13)
        site = LateSite(rpc, world.accounts.deployer, {})
        await site.begin()
        morpho = site.create_code(vyper.compile_code(_MORPHO.read_text())["bytecode"], [])
        site.send(usdc.address, abi.flat_call("mint(address,uint256)", morpho, 10**13))
        executor = site.create_code("0x" + creation_code(bytes_of(owner), bytes_of(operator)).hex(), [])
        await site.mine()
        arena = Arena(world, rpc, executor, owner, operator, {})
        v2_vault = arena.further("balancer_v2_weighted", ("WETH", "USDC")).vault
        v3_vault = arena.further("balancer_v3_weighted", ("WETH", "USDC")).vault
        assert v2_vault is not None
        assert v3_vault is not None
        lenders = {
            LoanSource.BALANCER_V3: v3_vault,
            LoanSource.AAVE_V3: aave,
            LoanSource.BALANCER_V2: v2_vault,
            LoanSource.UNISWAP_V3: arena.pool("uniswap", "uniswap_v3", ("WETH", "USDC"), 500).address,
            LoanSource.UNISWAP_V2: arena.pool("uniswap", "uniswap_v2", ("DAI", "USDC")).address,
            LoanSource.MORPHO: morpho,
            LoanSource.UNISWAP_V4: arena.further("uniswap_v4", ("WETH", "USDC")).address,
        }
        arena.lenders.update({source: bytes_of(address) for source, address in lenders.items()})
        arena.lenders[LoanSource.OWN_FUNDS] = NOBODY
        yield arena


def balancer_v3_hop(arena: Arena, token_out: bytes) -> Hop:
    """Return a hop through Balancer V3's weighted pool."""
    pool = arena.further("balancer_v3_weighted", ("WBTC", "LINK", "USDC"))
    assert pool.vault is not None
    vault, address = bytes_of(pool.vault), bytes_of(pool.address)
    return BalancerV3Hop(vault=vault, pool=address, token_out=token_out, min_out=0)
