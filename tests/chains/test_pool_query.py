"""Does a pool read by its address have what the contracts themselves say, and each failure its own fault."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Literal

import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.servers.loopback import loopback

from tidemill._rust import PoolError, PoolQueries, PoolReading, PoolUnread, encode_aggregate3, encode_bundle
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.pool_cache import PoolCache
from tidemill.chains.evm.pool_query import (
    NotContract,
    PoolQuery,
    PoolState,
    PoolWanted,
    RevertingView,
    UnknownPool,
    WrongKind,
)
from tidemill.core.clock import NS_PER_S, SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.sandbox import abi
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.venues import VENUES, Leg
from tidemill.sandbox.world import Pool, World
from tidemill.schema.faults import Fault, Gap, Malformed, Refused, Unreachable

from .test_anvil import config_of


def bytes_of(address: str) -> bytes:
    return bytes.fromhex(address[2:])


@asynccontextmanager
async def querying(config: EvmConfig, url: str) -> AsyncIterator[PoolQuery]:
    clock = SystemClock()
    async with HttpEndpoint(url, clock) as http:
        yield PoolQuery(config, http, clock)


async def word(rpc: Rpc, to: str, data: str) -> int:
    return int((await rpc.call("eth_call", {"to": to, "data": data}, "latest"))[:66], 16)


async def quoted(rpc: Rpc, world: World, pool: Pool, amount: int) -> int:
    """Return what the venue's own QuoterV2 says that `amount` of token 0 buys."""
    data = abi.selector("quoteExactInputSingle((address,address,uint256,uint24,uint160))").hex()
    words = [int(pool.token0, 16), int(pool.token1, 16), amount, pool.fee_ppm, 0]
    return await word(rpc, world.quoter, "0x" + data + "".join(f"{value:064x}" for value in words))


async def test_every_pool_of_the_sandbox_is_recognised_and_read(world: World) -> None:
    wanted = [PoolWanted(bytes_of(pool.address)) for pool in world.pools]
    async with querying(config_of(world), world.http_url) as query, Rpc(world.http_url) as rpc:
        states = await query.read(wanted, is_exact=True)
        for pool, state in zip(world.pools, states, strict=True):
            assert isinstance(state, PoolState), state
            assert (state.reading.kind, state.dex) == (pool.protocol, pool.dex)
            assert state.reading.doubt is None
            assert state.reading.fee_e18 == pool.fee_ppm * 10**12
            for coin, token in zip(state.reading.coins, (pool.token0, pool.token1), strict=True):
                assert coin.address == bytes_of(token)
                assert coin.decimals == await word(rpc, token, "0x313ce567")
                balance_of = "0x70a08231" + pool.address[2:].rjust(64, "0")
                assert coin.reserve == await word(rpc, token, balance_of)


@pytest.mark.parametrize("protocol", ["algebra_integral", "algebra_v1", "algebra_v2"])
async def test_an_algebra_pool_that_was_read_quotes_as_its_own_quoter_does(
    fresh_world: World, protocol: str
) -> None:
    pools = [pool for pool in fresh_world.further_pools if pool.protocol == protocol]
    venue, dice = VENUES[protocol], Random(protocol)
    wanted = [PoolWanted(bytes_of(pool.address)) for pool in pools]
    async with Rpc(fresh_world.http_url) as rpc:
        for pool in pools:  # the first swap of a time moves the fee of versions 1 and 2
            sender = fresh_world.accounts.traders[0]
            data = venue.swap(pool, Leg(0, 1, 10**6), sender)
            call = {"from": sender, "to": pool.router, "data": data, "gas": hex(3_000_000)}
            await rpc.call("eth_sendTransaction", call)
        await rpc.call("evm_mine")
        async with querying(config_of(fresh_world), fresh_world.http_url) as query:
            states = await query.read(wanted, is_exact=True)
            again = await query.read(
                [PoolWanted(pool.address, before=pool) for pool in map(reading_of, states)], is_exact=True
            )
        assert list(map(reading_of, again)) == list(map(reading_of, states))
        compared = 0
        for pool, reading in zip(pools, map(reading_of, states), strict=True):
            assert (reading.kind, reading.doubt) == ("algebra", None)
            for _ in range(40):
                token_in = dice.randrange(2)
                leg = Leg(token_in, 1 - token_in, int(10 ** dice.uniform(2, 18)))
                try:
                    answer = await rpc.call(
                        "eth_call", {"to": pool.quoter, "data": venue.ask_out(pool, leg)}, "latest"
                    )
                except Fault:
                    continue
                told = venue.read_out(bytes.fromhex(answer[2:]), leg)
                assert reading.amount_out(leg.token_in, leg.token_out, leg.size) == told, (pool, leg)
                compared += 1
        assert compared > 40


def reading_of(state: PoolState | Fault) -> PoolReading:
    assert isinstance(state, PoolState), state
    return state.reading


async def test_what_was_read_quotes_as_the_contracts_do(world: World) -> None:
    pools = [pool for pool in world.pools if pool.protocol == "uniswap_v3"]
    async with querying(config_of(world), world.http_url) as query, Rpc(world.http_url) as rpc:
        states = await query.read([PoolWanted(bytes_of(pool.address)) for pool in pools], is_exact=True)
        for pool, state in zip(pools, states, strict=True):
            assert isinstance(state, PoolState), state
            for part in (1_000_000, 50, 3):
                amount = state.reading.coins[0].reserve // part
                if pool.dex == "uniswap":
                    expected = await quoted(rpc, world, pool, amount)
                    assert state.reading.amount_out(0, 1, amount) == expected


EXACT_KINDS = {
    "balancer_v2_weighted": "balancer_v2",
    "balancer_v2_stable": "balancer_v2",
    "balancer_v3_weighted": "balancer_v3",
    "balancer_v3_stable": "balancer_v3",
    "curve_stable": "curve_stable",
    "curve_stable_ng": "curve_stable",
    "pancake_v3": "uniswap_v3",
}


async def test_pools_of_curve_and_balancer_quote_what_their_contracts_quoted(world: World) -> None:
    further = [pool for pool in getattr(world, "further_pools", ()) if pool.protocol in EXACT_KINDS]
    if not further:
        pytest.skip("not tested: expected a sandbox with pools of Curve and Balancer, found one without")
    async with querying(config_of(world), world.http_url) as query:
        states = await query.read([PoolWanted(bytes_of(pool.address)) for pool in further], is_exact=True)
    for pool, state in zip(further, states, strict=True):
        assert isinstance(state, PoolState), state
        assert state.reading.kind == EXACT_KINDS[pool.protocol]
        # no doubt is left where the contract's own quotes were ours, to the unit
        assert state.reading.doubt is None, pool
        assert state.reading.amount_out(0, 1, state.reading.coins[0].reserve // 1_000) > 0


async def test_what_is_asked_again_asks_less_and_says_the_same(world: World) -> None:
    addresses = [bytes_of(pool.address) for pool in world.pools]
    async with querying(config_of(world), world.http_url) as query:
        first = await query.read([PoolWanted(address) for address in addresses])
        readings = [state.reading for state in first if isinstance(state, PoolState)]
        assert len(readings) == len(addresses)
        again = await query.read(
            [PoolWanted(reading.address, before=reading) for reading in readings], is_exact=False
        )
    assert [state.reading for state in again if isinstance(state, PoolState)] == readings
    fresh = PoolQueries([(address, None) for address in addresses], is_exact=False)
    known = PoolQueries([], is_exact=False, again=readings)
    assert len(known) < len(fresh) / 3


async def test_each_thing_that_is_no_such_pool_has_its_own_fault(world: World) -> None:
    pair = next(pool for pool in world.pools if pool.protocol == "uniswap_v2")
    wanted = [
        PoolWanted(b"\x01" * 20),
        PoolWanted(bytes_of(world.weth)),
        PoolWanted(bytes_of(world.multicall)),
        PoolWanted(bytes_of(pair.address), "uniswap_v3"),
        PoolWanted(bytes_of(pair.address), "curve"),
        PoolWanted(b"\x01" * 20, "uniswap_v2"),
        PoolWanted(bytes_of(pair.address), "sushiswap"),
    ]
    async with querying(config_of(world), world.http_url) as query:
        found = await query.read(wanted)
        with pytest.raises(Refused, match=r'dex_type: expected one of uniswap_v2, .*found "unheard_of"'):
            await query.read([PoolWanted(bytes_of(pair.address), "unheard_of")])
    kinds = [type(one) for one in found]
    assert kinds == [NotContract, UnknownPool, UnknownPool, WrongKind, WrongKind, NotContract, PoolState]
    assert "expected a pool of kind uniswap_v3, found uniswap_v2" in str(found[3])


async def test_another_chain_is_refused(world: World) -> None:
    config = msgspec.structs.replace(config_of(world), chain_id=1)
    async with querying(config, world.http_url) as query:
        with pytest.raises(Refused, match=f"expected chain id 1, found {world.chain_id}"):
            await query.read([PoolWanted(b"\x01" * 20)])


class Picky:
    """A node before the real one that has its own ideas of what it takes."""

    def __init__(
        self,
        target: str,
        *,
        bytes_max: int | None = None,
        by_number: bool = False,
        code: Literal["runs", "ignores", "refuses"] = "runs",
    ) -> None:
        self._rpc = Rpc(target)
        self._bytes_max = bytes_max
        self._by_number = by_number
        self._code = code
        self.calls: list[int] = []
        """Sizes of the eth_calls that were taken."""
        self.with_code = 0
        """eth_calls that carried code."""
        self.url = ""

    async def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {"jsonrpc": "2.0", "id": question["id"]}
        if question["method"] == "eth_call":
            size = len(question["params"][0]["data"])
            carried = question["params"][2:]
            self.with_code += len(carried)
            if carried and self._code == "refuses":
                return told | {"error": {"code": -32602, "message": "too many arguments, want at most 2"}}
            if self._code == "ignores":
                del question["params"][2:]
            if self._by_number and isinstance(question["params"][1], dict):
                return told | {
                    "error": {"code": -32602, "message": "invalid argument 1: hex string expected"}
                }
            if self._bytes_max is not None and size > self._bytes_max:
                return told | {"error": {"code": -32000, "message": "out of gas"}}
            self.calls.append(size)
        try:
            return told | {"result": await self._rpc.call(question["method"], *question["params"])}
        except Refused as error:
            return told | {"error": {"code": 3, "message": str(error)}}

    async def handle(self, request: web.Request) -> web.Response:
        return web.json_response([await self._answer(question) for question in await request.json()])

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Picky"]:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/", self.handle)
        async with self._rpc, loopback(app) as place:
            self.url = f"http://{place}"
            yield self


def readings_of(states: Sequence[PoolState | Fault]) -> list[PoolReading]:
    assert all(isinstance(state, PoolState) for state in states), states
    return [state.reading for state in states if isinstance(state, PoolState)]


@pytest.mark.parametrize("code", ["ignores", "refuses"])
async def test_a_node_that_runs_no_code_of_ours_is_asked_through_multicall(
    world: World, code: Literal["ignores", "refuses"]
) -> None:
    wanted = [PoolWanted(bytes_of(pool.address)) for pool in world.pools]
    async with Picky(world.http_url, code=code).serving() as plain, Picky(world.http_url).serving() as node:
        async with querying(config_of(world), plain.url) as query:
            found = readings_of(await query.read(wanted))
            assert plain.with_code == 1, "expected that what a node does not do is not asked of it again"
            assert readings_of(await query.read(wanted)) == found
            assert plain.with_code == 1
        async with querying(config_of(world), node.url) as query:
            assert readings_of(await query.read(wanted)) == found
    assert node.with_code == len(node.calls)
    assert sum(node.calls) < sum(plain.calls) / 3


async def test_a_call_that_fails_by_itself_fails_alone(world: World) -> None:
    pair = next(pool for pool in world.pools if pool.protocol == "uniswap_v2")
    questions = [
        (bytes_of(pair.address), bytes.fromhex("0902f1ac")),
        (bytes_of(pair.address), bytes.fromhex("deadbeef")),
        (b"\x01" * 20, b""),
        (bytes_of(pair.token0), bytes.fromhex("70a08231") + bytes_of(pair.address).rjust(32, b"\0")),
    ]
    found = []
    for code in ("runs", "ignores"):
        async with Picky(world.http_url, code=code).serving() as node:
            async with querying(config_of(world), node.url) as query:
                found.append(await query.ask(questions))
    reserves, nothing, silence, balance = found[0]
    assert (nothing, silence) == (None, b"")
    assert reserves is not None
    assert reserves[:32] == balance
    assert found[0] == found[1]


async def test_a_chain_without_multicall_is_asked_call_by_call(world: World) -> None:
    config = msgspec.structs.replace(config_of(world), multicall="0x" + "02" * 20)
    pools = [pool for pool in world.pools if pool.protocol == "uniswap_v2"]
    wanted = [PoolWanted(bytes_of(pool.address)) for pool in pools]
    async with Picky(world.http_url, code="ignores").serving() as node:
        async with querying(config, node.url) as bare, querying(config_of(world), world.http_url) as query:
            assert readings_of(await bare.read(wanted)) == readings_of(await query.read(wanted))
    assert len(node.calls) > len(pools)


@pytest.mark.parametrize(("code", "bytes_max"), [("runs", 2_000), ("ignores", 8_000)])
async def test_what_a_node_finds_too_much_is_asked_in_halves(
    world: World, code: Literal["runs", "ignores"], bytes_max: int
) -> None:
    wanted = [PoolWanted(bytes_of(pool.address)) for pool in world.pools]
    async with Picky(world.http_url, bytes_max=bytes_max, code=code).serving() as node:
        async with querying(config_of(world), node.url) as query:
            readings_of(await query.read(wanted))
    assert len(node.calls) > 4
    assert max(node.calls) <= bytes_max


async def test_a_node_that_knows_blocks_by_number_alone_is_asked_by_number(world: World) -> None:
    async with Picky(world.http_url, by_number=True).serving() as node:
        async with querying(config_of(world), node.url) as query:
            (state,) = await query.read([PoolWanted(bytes_of(world.pools[0].address))])
    assert isinstance(state, PoolState)


class HandClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.ns = 1_000 * NS_PER_S

    def now_ns(self) -> int:
        return self.ns


class FakeQuery:
    """Readings of a made chain: `block` is what the next reading sees."""

    def __init__(self, clock: HandClock, reading: PoolReading) -> None:
        self.block = 1
        self.asked: list[list[PoolWanted]] = []
        self.faults: list[Fault] = []
        self.is_asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self._clock = clock
        self._reading = reading

    async def read(self, wanted: list[PoolWanted]) -> list[PoolState | Fault]:
        asked_ns, block = self._clock.now_ns(), self.block
        self.asked.append(wanted)
        self.is_asked.set()
        await self.gate.wait()
        if self.faults:
            raise self.faults.pop(0)
        return [PoolState(self._reading, None, block, bytes(32), asked_ns) for _ in wanted]


@pytest.fixture
def reading() -> PoolReading:
    """A pair that was read from answers made by hand."""
    return read_pair({})


def read_pair(pair_fees: dict[bytes, tuple[int, int]]) -> PoolReading:
    queries = PoolQueries([(b"\x05" * 20, "uniswap_v2")], is_exact=False)
    answers = {
        "0902f1ac": (1_000).to_bytes(32, "big") + (2_000).to_bytes(32, "big") + bytes(32),
        "0dfe1681": b"\x01".rjust(32, b"\0"),
        "d21220a7": b"\x02".rjust(32, b"\0"),
        "c45a0155": b"\x03".rjust(32, b"\0"),
        "313ce567": (18).to_bytes(32, "big"),
    }
    while len(queries):
        for index in range(len(queries)):
            queries.put(index, answers.get(queries.call(index)[1][:4].hex()))
        queries.advance()
    (found,) = queries.results(pair_fees)
    assert isinstance(found, PoolReading)
    return found


def cache_of(reading: PoolReading, duration_s: float) -> tuple[PoolCache, FakeQuery, HandClock]:
    clock = HandClock()
    query = FakeQuery(clock, reading)
    return PoolCache(query, clock, duration_s), query, clock  # type: ignore[arg-type]  # a fake of the shell


async def test_a_state_is_told_again_until_it_is_as_old_as_stated(reading: PoolReading) -> None:
    cache, query, clock = cache_of(reading, 10)
    first = await cache.get(b"\x05" * 20)
    query.block = 2
    clock.ns += 10 * NS_PER_S - 1
    assert (await cache.get(b"\x05" * 20)).block_number == 1
    clock.ns += 1
    assert (await cache.get(b"\x05" * 20)).block_number == 2
    assert first.block_number == 1
    assert (cache.counts.asked, cache.counts.hits, cache.counts.reads) == (3, 1, 2)


async def test_age_is_counted_from_before_the_question_was_sent(reading: PoolReading) -> None:
    cache, query, clock = cache_of(reading, 10)
    query.gate.clear()
    asking = asyncio.create_task(cache.get(b"\x05" * 20))
    await query.is_asked.wait()
    clock.ns += 9 * NS_PER_S
    query.gate.set()
    await asking
    clock.ns += 2 * NS_PER_S
    query.block = 2
    assert (await cache.get(b"\x05" * 20)).block_number == 2


async def test_questions_that_come_together_are_asked_together(reading: PoolReading) -> None:
    cache, query, _ = cache_of(reading, 10)
    pools = [bytes([index]) * 20 for index in range(50)]
    await asyncio.gather(*(cache.get(pool) for pool in pools + pools))
    assert [len(wanted) for wanted in query.asked] == [50]


async def test_without_a_duration_every_question_is_asked(reading: PoolReading) -> None:
    cache, query, _ = cache_of(reading, 0)
    for block in (1, 2, 3):
        query.block = block
        assert (await cache.get(b"\x05" * 20)).block_number == block


async def test_a_dead_node_is_a_fault_and_never_an_old_state(reading: PoolReading) -> None:
    cache, query, clock = cache_of(reading, 10)
    await cache.get(b"\x05" * 20)
    clock.ns += 11 * NS_PER_S
    query.faults = [Unreachable("the node is down")]
    with pytest.raises(Unreachable, match="the node is down"):
        await cache.get(b"\x05" * 20)
    assert (await cache.get(b"\x05" * 20)).block_number == 1
    assert cache.counts.failed == 1


async def test_a_reorg_in_the_middle_of_a_reading_is_read_again(reading: PoolReading) -> None:
    cache, query, _ = cache_of(reading, 10)
    query.faults = [Gap("the block went away")]
    assert (await cache.get(b"\x05" * 20)).block_number == 1
    assert len(query.asked) == 2


async def test_a_pool_that_is_known_to_have_changed_is_read_anew(reading: PoolReading) -> None:
    cache, query, _ = cache_of(reading, 10)
    await cache.get(b"\x05" * 20)
    query.block = 2
    cache.forget(b"\x05" * 20, before_block=1)
    assert (await cache.get(b"\x05" * 20)).block_number == 1
    cache.forget(b"\x05" * 20, before_block=2)
    assert (await cache.get(b"\x05" * 20)).block_number == 2


async def test_a_state_of_another_kind_than_asked_for_is_not_told(reading: PoolReading) -> None:
    cache, query, _ = cache_of(reading, 10)
    await cache.get(b"\x05" * 20)
    await cache.get(b"\x05" * 20, "sushiswap")
    assert len(query.asked) == 1
    await cache.get(b"\x05" * 20, "curve")
    assert query.asked[1][0] == PoolWanted(b"\x05" * 20, "curve")


def test_a_round_s_calldata_is_that_of_its_calls() -> None:
    queries = PoolQueries([(bytes([index]) * 20, None) for index in range(7)], is_exact=True)
    calls = [queries.call(index) for index in range(len(queries))]
    assert queries.aggregate(0, len(calls)) == encode_aggregate3(calls)
    assert queries.bundle(0, len(calls)) == encode_bundle(calls)


@given(st.data())
def test_whatever_a_chain_answers_a_pool_is_read_or_the_reason_said(data: st.DataObject) -> None:
    words = st.one_of(
        st.integers(0, 300).map(lambda value: value.to_bytes(32, "big")),
        st.binary(min_size=32, max_size=32),
        st.sampled_from([b"\x07" * 20, b"\x09" * 20]).map(lambda address: address.rjust(32, b"\0")),
    )
    answers = st.one_of(st.none(), st.binary(max_size=70), st.lists(words, max_size=9).map(b"".join))
    names = [None, "uniswap_v2", "uniswap_v3", "quickswap_v3", "curve_stable", "curve_crypto", "balancer_v2"]
    name = data.draw(st.sampled_from([*names, "balancer_v3", "curve", "aerodrome"]))
    queries = PoolQueries([(b"\x05" * 20, name)], is_exact=data.draw(st.booleans()))
    rounds = 0
    while len(queries):
        for index in range(min(len(queries), 64)):
            queries.put(index, data.draw(answers))
        for index in range(64, len(queries)):
            queries.put(index, None)
        queries.advance()
        rounds += 1
        assert rounds < 20
    (found,) = queries.results()
    assert isinstance(found, PoolReading | PoolUnread)
    if isinstance(found, PoolReading):
        assert 2 <= len(found.coins) <= 8
        assert found.doubt is not None or found.amount_out(0, 1, 1) >= 0


def test_an_answer_that_is_not_of_the_question_is_malformed() -> None:
    queries = PoolQueries([(b"\x05" * 20, "uniswap_v2")], is_exact=False)
    with pytest.raises(Malformed, match="aggregate3: expected"):
        queries.put_aggregate(0, len(queries), b"\0" * 31)
    with pytest.raises(Malformed, match=r"bundled calls: expected \d+ answers, found an end in answer 0"):
        queries.put_bundle(0, len(queries), b"\1\0\0")


def test_a_pair_is_not_quoted_before_its_fee_is_known(reading: PoolReading) -> None:
    assert reading.doubt == "a pair does not tell its fee, and its factory's is not known"
    with pytest.raises(PoolError, match="Doubt: a pair does not tell its fee"):
        reading.amount_out(0, 1, 100)
    assert read_pair({b"\x03".rjust(20, b"\0"): (997, 1000)}).amount_out(0, 1, 100) == 181


def test_a_pool_whose_state_reverts_says_so() -> None:
    queries = PoolQueries([(b"\x05" * 20, "uniswap_v2")], is_exact=False)
    tokens = {"0dfe1681": b"\x01".rjust(32, b"\0"), "d21220a7": b"\x02".rjust(32, b"\0")}
    while len(queries):
        for index in range(len(queries)):
            queries.put(index, tokens.get(queries.call(index)[1][:4].hex()))
        queries.advance()
    (found,) = queries.results()
    assert isinstance(found, PoolUnread)
    assert found.reason == "reverted"
    assert "found that it reverts" in found.message
    assert RevertingView.__mro__[1] is Refused
