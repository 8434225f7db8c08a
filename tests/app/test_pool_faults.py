"""Is each thing that can be wrong with a pool told as its own error, over HTTP and in Python?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import pytest
from tests.app.conftest import chain_toml
from tests.app.made_contract import Refusal, code_of, refusing, words

from tidemill import PoolPipeline
from tidemill._rust import PoolError, PoolReading
from tidemill.app.chains.pool_pipeline import LyingReserves
from tidemill.app.sandbox.demo import world_config
from tidemill.app.settings import PoolServerSettings, Settings
from tidemill.chains.evm import pool_query as faults
from tidemill.chains.evm.pool_query import PoolQuery, PoolState, PoolWanted
from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import World
from tidemill.schema.faults import Fault, Refused

_HELD = 5 * 10**18
_FULL = words(_HELD)
_RESERVES, _LOCK = "0x8", "0xc"
"""Where a V2 pair stores them."""
_UNLOCKED_BIT = 1 << 240
"""Of slot0, which a V3 pool stores first."""
_DECIMALS = "decimals()"
_UNLOCKED = refusing("UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT")
_STRING = words(32, 2) + b"18".ljust(32, b"\0")


class Wrong(NamedTuple):
    """A pool with which something is wrong, and how that is told."""

    name: str
    address: str
    dex_type: str | None
    status: int
    fault: type[Fault]
    said: str


class Ground:
    """Puts contracts at addresses of their own, and changes what pools of the world have stored."""

    def __init__(self, world: World, rpc: Rpc) -> None:
        self.world = world
        self._rpc = rpc
        self._made = 0
        self.good = ""
        """A token that keeps to its standard."""

    async def put(self, views: dict[str, bytes | Refusal]) -> str:
        self._made += 1
        address = f"0x{self._made:02x}" + "fa" * 19
        await self.change(address, views)
        return address

    async def change(self, address: str, views: dict[str, bytes | Refusal]) -> None:
        await self._rpc.call("anvil_setCode", address, code_of(views))

    async def token(self, decimals: bytes | Refusal, held: bytes | Refusal = _FULL) -> str:
        return await self.put({_DECIMALS: decimals, "balanceOf(address)": held})

    async def pair(self, token: str, **views: bytes | Refusal) -> str:
        """Return a pair of `token` and the good one; `views` are others than such a pair has."""
        named = {"reserves": "getReserves()", "stable": "stable()"}
        swap = views.pop("swap", _UNLOCKED)
        made = {
            "token0()": words(self.good),
            "token1()": words(token),
            "getReserves()": words(_HELD, _HELD, 7),
            "swap(uint256,uint256,address,bytes)": swap,
        }
        return await self.put(made | {named[name]: answer for name, answer in views.items()})

    async def ticked(self, token: str) -> str:
        """Return a pool with ticks of `token` and the good one."""
        return await self.put(
            {
                "token0()": words(self.good),
                "token1()": words(token),
                "slot0()": words(2**96, 0, 0, 1, 1, 0, 1),
                "liquidity()": words(10**18),
                "fee()": words(3_000),
                "tickSpacing()": words(60),
            }
        )

    async def store(self, address: str, place: str, word: int) -> None:
        await self._rpc.call("anvil_setStorageAt", address, place, f"0x{word:064x}")

    async def stored(self, address: str, place: str) -> int:
        return int(await self._rpc.call("eth_getStorageAt", address, place, "latest"), 16)

    def pools(self, protocol: str) -> list[str]:
        every = (*self.world.pools, *self.world.further_pools)
        return [pool.address for pool in every if pool.protocol == protocol]


async def strange_contracts(ground: Ground) -> list[Wrong]:
    """Return what is no pool, or answers as none can."""
    (pair, *_), ticked = ground.pools("uniswap_v2"), ground.pools("uniswap_v3")[0]
    silent = await ground.token(words(18), held=Refusal())
    of_silent = await ground.ticked(silent)
    gone = await ground.pair(ground.good, reserves=refusing("gone fishing"))
    wide = await ground.pair(await ground.token(words(6)), reserves=words(1, 2**256 - 1, 7))
    short = await ground.pair(await ground.token(words(6)), reserves=words(1))
    refuses_all = await ground.put({})
    return [
        Wrong(
            "no contract", "0x" + "12" * 20, None, 404, faults.NotContract, "expected a contract, found none"
        ),
        Wrong("a token", ground.world.weth, None, 404, faults.UnknownPool, "expected a pool of a known kind"),
        Wrong("refuses all", refuses_all, "uniswap_v2", 404, faults.UnknownPool, "answers as none"),
        Wrong("wrong type", pair, "uniswap_v3", 422, faults.WrongKind, "uniswap_v3, found uniswap_v2"),
        Wrong("wrong type", ticked, "curve", 422, faults.WrongKind, "curve_crypto, found uniswap_v3"),
        Wrong("no such type", pair, "uniswap_v9", 400, Refused, "dex_type: expected one of uniswap_v2"),
        Wrong("reverts", gone, None, 422, faults.RevertingView, "found that it reverts: gone fishing"),
        Wrong(
            "a token reverts",
            of_silent,
            None,
            422,
            faults.RevertingView,
            f"pool {of_silent}: {silent}: expected an answer to balanceOf(address), found that it reverts",
        ),
        Wrong(
            "overflow", wide, None, 422, faults.OutOfRange, "expected uint112 reserve1 in range from getRes"
        ),
        Wrong("short", short, "uniswap_v2", 422, faults.StrangeAnswer, "from getReserves(), found 32 bytes"),
    ]


async def lying_tokens(ground: Ground) -> list[Wrong]:
    """Return pairs of tokens that lie about their decimals."""
    lies: list[tuple[str, bytes | Refusal, str]] = [
        ("2^255", words(2**255), f"from 0 to 77, found {2**255}"),
        ("78", words(78), "from 0 to 77, found 78"),
        ("nothing", b"", "from 0 to 77 in one word, found 0 bytes"),
        ("a byte", b"\x12", "from 0 to 77 in one word, found 1 bytes"),
        ("a string", _STRING, "from 0 to 77, found a string"),
        ("a revert", refusing("no"), "from 0 to 77, found that it reverts"),
    ]
    wrong: list[Wrong] = []
    for name, told, said in lies:
        token = await ground.token(told)
        for pool in (await ground.pair(token), await ground.ticked(token)):
            whole = f"pool {pool}: token {token}: expected decimals() {said}"
            wrong.append(Wrong(f"decimals: {name}", pool, None, 422, LyingReserves, whole))
    return wrong


async def resting_not(ground: Ground) -> list[Wrong]:
    """Return pools that are empty or in the middle of a swap."""
    empty, locked, *_ = ground.pools("uniswap_v2")
    priceless, swapping, *_ = ground.pools("uniswap_v3")
    balancer = next(pool for pool in ground.world.further_pools if pool.protocol == "balancer_v2_weighted")
    await ground.store(empty, _RESERVES, 0)
    await ground.store(locked, _LOCK, 0)
    await ground.store(priceless, "0x0", 0)
    await ground.store(swapping, "0x0", await ground.stored(swapping, "0x0") & ~_UNLOCKED_BIT)
    assert balancer.vault is not None
    assert await ground.stored(balancer.vault, "0x0") == 1  # ReentrancyGuard: not entered
    await ground.store(balancer.vault, "0x0", 2)
    other = await ground.token(words(6))
    solidly = await ground.pair(other, stable=words(0), swap=refusing("ReentrancyGuard: reentrant call"))
    kinds = [
        ("uniswap_v2", locked),
        ("uniswap_v3", swapping),
        ("solidly", solidly),
        ("balancer_v2", balancer.address),
    ]
    return [
        Wrong("empty", empty, "uniswap_v2", 422, faults.EmptyPool, "with liquidity, found it empty"),
        Wrong("no price", priceless, "uniswap_v3", 422, faults.EmptyPool, "with liquidity, found it empty"),
        *[
            Wrong(
                "mid-swap",
                address,
                dex_type,
                409,
                faults.PoolLocked,
                "expected a pool at rest, found it locked",
            )
            for dex_type, address in kinds
        ],
    ]


class Faces:
    """Asks for the same pool over HTTP and in Python."""

    def __init__(
        self, world: World, url: str, session: aiohttp.ClientSession, pipeline: PoolPipeline
    ) -> None:
        self._chain_id = world.chain_id
        self._url = url
        self._session = session
        self._pipeline = pipeline

    async def over_http(self, address: str, dex_type: str | None = None) -> tuple[int, dict[str, Any]]:
        body = {"chain_id": self._chain_id, "pool_address": address, "dex_type": dex_type}
        async with self._session.post(f"{self._url}/api/pool", json=body) as answer:
            return answer.status, await answer.json()

    async def in_python(self, address: str, dex_type: str | None = None) -> Fault | None:
        try:
            await self._pipeline.get_pool_reserves(self._chain_id, address, dex_type)
        except Fault as fault:
            return fault
        return None

    async def check(self, wrong: Wrong) -> None:
        status, told = await self.over_http(wrong.address, wrong.dex_type)
        fault = await self.in_python(wrong.address, wrong.dex_type)
        assert (status, type(fault)) == (wrong.status, wrong.fault), (wrong, told, fault)
        for error in (told["error"], str(fault)):
            assert wrong.said.lower() in error.lower(), wrong
            assert wrong.address in error.lower() or wrong.fault is Refused, wrong
        assert told["pool_address"] == wrong.address
        if isinstance(fault, LyingReserves):
            assert told["reserves"]["reserve0"] == str(fault.reserves["reserve0"]) == str(_HELD)
        else:
            assert told["reserves"] is None


@pytest.fixture
async def ground(fresh_world: World) -> AsyncIterator[Ground]:
    async with Rpc(fresh_world.http_url) as rpc:
        made = Ground(fresh_world, rpc)
        made.good = await made.token(words(18))
        yield made


@pytest.fixture
def facing(serving):
    @asynccontextmanager
    async def run(world: World) -> AsyncIterator[Faces]:
        config = Settings(
            chains={"sandbox": world_config(world)}, pool_server=PoolServerSettings(cache_duration_s=0)
        )
        with serving(chain_toml(world), TIDEMILL_POOL_SERVER_CACHE_DURATION_S="0") as (_, url):
            async with (
                aiohttp.ClientSession() as session,
                PoolPipeline(config, use_websockets=False) as pools,
            ):
                yield Faces(world, url, session, pools)

    return run


async def test_each_thing_that_is_wrong_has_its_own_error_over_http_and_in_python(
    ground: Ground, facing
) -> None:
    table = [*await strange_contracts(ground), *await lying_tokens(ground), *await resting_not(ground)]
    sound = ground.pools("uniswap_v2")[-1]
    async with facing(ground.world) as faces:
        for wrong in table:
            await faces.check(wrong)
        assert (await faces.over_http(sound))[0] == 200
        assert await faces.in_python(sound) is None


async def test_decimals_that_change_between_two_readings_are_a_lie(ground: Ground, facing) -> None:
    token = await ground.token(words(18))
    pools = [await ground.pair(token), await ground.ticked(token)]
    async with facing(ground.world) as faces:
        for pool in pools:
            assert (await faces.over_http(pool))[0] == 200
            assert await faces.in_python(pool) is None
        await ground.change(token, {_DECIMALS: words(6), "balanceOf(address)": words(_HELD)})
        for pool in pools:
            said = f"pool {pool}: token {token}: expected decimals() of 18 as told before, found 6"
            wrong = Wrong("decimals: changed", pool, None, 422, LyingReserves, said)
            await faces.check(wrong)
            await faces.check(wrong)


async def test_a_batch_goes_on_without_the_pools_that_fail(ground: Ground) -> None:
    table = [*await strange_contracts(ground), *await resting_not(ground)]
    table = [wrong for wrong in table if wrong.fault is not Refused]
    sound = ground.pools("uniswap_v2")[-1]
    wanted = [PoolWanted(bytes.fromhex(wrong.address[2:]), wrong.dex_type) for wrong in table]
    async with HttpEndpoint(ground.world.http_url, SystemClock()) as http:
        query = PoolQuery(world_config(ground.world), http, SystemClock())
        *failed, last = await query.read([*wanted, PoolWanted(bytes.fromhex(sound[2:]))])
    assert [type(fault) for fault in failed] == [wrong.fault for wrong in table]
    assert isinstance(last, PoolState)


def _quote(reading: PoolReading, amount: int) -> int | None:
    """Return what `amount` buys; None where it is refused."""
    try:
        return reading.amount_out(0, 1, amount)
    except PoolError:
        return None


async def test_extreme_amounts_are_refused_by_name_and_never_wrap(world: World) -> None:
    addresses = [pool.address for pool in world.pools]
    addresses += [pool.address for pool in world.further_pools if pool.pool_id is None or pool.vault is None]
    async with HttpEndpoint(world.http_url, SystemClock()) as http:
        query = PoolQuery(world_config(world), http, SystemClock())
        found = await query.read([PoolWanted(bytes.fromhex(one[2:])) for one in addresses], is_exact=True)
    exact = [state.reading for state in found if isinstance(state, PoolState) and state.reading.doubt is None]
    assert {"uniswap_v2", "uniswap_v3", "curve_stable"} <= {reading.kind for reading in exact}
    for reading in exact:
        for amount in (2**112, 2**128, 2**255, 2**256 - 1):
            out = _quote(reading, amount)
            assert out is None or 0 <= out <= reading.coins[1].reserve
        with pytest.raises((PoolError, OverflowError, ValueError)):
            reading.amount_out(0, 1, 2**256)
