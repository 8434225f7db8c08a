"""Is what a simulation tells what then happens, and is what could not be simulated an error?"""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio
from msgspec.structs import replace
from tests.execute.arena import Arena, bytes_of, hop, profit_told, route
from typing_extensions import override

from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpAnswer, HttpEndpoint, HttpFailure
from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.plan.route import Route
from tidemill.execute.plan.route_codec import call_data, encode
from tidemill.execute.simulation.node_simulation import NodeSimulator
from tidemill.execute.simulation.simulate import Simulator
from tidemill.execute.simulation.simulation import AccountOverride, BlockOverride, Call, Method
from tidemill.sandbox import abi
from tidemill.sandbox.site import FEES
from tidemill.schema.faults import Refused, Unknown, Unreachable

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]

NODE_METHODS = (Method.SIMULATE_V1, Method.TRACE_CALL, Method.CALL)
Simulators = dict[Method, Simulator | NodeSimulator]


@pytest_asyncio.fixture(loop_scope="session")
async def simulators(arena: Arena) -> AsyncIterator[Simulators]:
    async with HttpEndpoint(arena.world.http_url, SystemClock()) as http:
        found: Simulators = {method: NodeSimulator(http, (method,)) for method in NODE_METHODS}
        found[Method.IN_PROCESS] = Simulator(http, chain_id=arena.world.chain_id)
        yield found


async def _circle(arena: Arena) -> Route:
    """Make WETH cheap at Uniswap, and return three hops that gain from it."""
    cheap = arena.pool("uniswap", "uniswap_v2", ("WETH", "USDC"))
    await arena.widen(cheap, arena.world.weth, 400 * 10**18)
    usdc, weth, dai = (arena.token(symbol) for symbol in ("USDC", "WETH", "DAI"))
    hops = [
        hop(cheap, usdc, weth),
        hop(arena.pool("uniswap", "uniswap_v3", ("WETH", "DAI")), weth, dai),
        hop(arena.pool("uniswap", "uniswap_v3", ("DAI", "USDC")), dai, usdc),
    ]
    return route(arena.loan(LoanSource.BALANCER_V2), hops)


def _call(arena: Arena, made: Route, sender: str | None = None) -> Call:
    data = call_data(encode(made))
    return Call(sender=bytes_of(sender or arena.operator), to=bytes_of(arena.executor), data=data)


@pytest.mark.parametrize("method", list(Method))
async def test_what_is_told_is_what_then_happens(
    arena: Arena, simulators: Simulators, method: Method
) -> None:
    made = await _circle(arena)
    head = await arena.rpc.call("eth_getBlockByNumber", "latest", False)
    later = BlockOverride(timestamp_s=int(head["timestamp"], 16) + 1)
    told = await simulators[method].run(_call(arena, made), block_override=later)
    await arena.rpc.call("evm_setNextBlockTimestamp", later.timestamp_s)
    receipt = await arena.execute(made)
    gained = profit_told(receipt)
    assert (told.is_success, told.revert_reason, told.method) == (True, None, method)
    assert (told.block_number, "0x" + told.block_hash.hex()) == (int(head["number"], 16), head["hash"])
    assert int.from_bytes(told.output) == gained > 0
    if method == Method.CALL:
        assert (told.gas_used, told.balance_changes) == (None, None)
        return
    assert told.gas_used == int(receipt["gasUsed"], 16)
    assert told.change_of(arena.token("USDC"), bytes_of(arena.owner)) == gained
    assert told.change_of(arena.token("DAI"), bytes_of(arena.executor)) == 0
    assert told.balance_changes is not None
    tokens = {one.token for one in told.balance_changes}
    assert tokens == {arena.token(symbol) for symbol in ("USDC", "WETH", "DAI")}


async def test_with_each_lenders_money_the_gain_is_what_was_simulated(
    arena: Arena, simulators: Simulators
) -> None:
    simulator = simulators[Method.IN_PROCESS]
    assert isinstance(simulator, Simulator)
    made = await _circle(arena)
    for source in list(LoanSource)[1:]:
        lent = replace(made, loan=arena.loan(source))
        await simulator.follow()
        told = await simulator.run(_call(arena, lent))
        snapshot = await arena.rpc.call("evm_snapshot")
        gained = profit_told(await arena.execute(lent))
        await arena.rpc.call("evm_revert", snapshot)
        assert told.change_of(arena.token("USDC"), bytes_of(arena.owner)) == gained > 0, source.name


async def test_every_method_tells_of_the_same_changes(arena: Arena, simulators: Simulators) -> None:
    call = _call(arena, await _circle(arena))
    told = [await simulators[method].run(call) for method in Method if method != Method.CALL]
    changes = [{(one.token, one.holder): one.change for one in one.balance_changes or ()} for one in told]
    assert changes[0] == changes[1] == changes[2]
    ours, theirs = told[0].access_list, told[1].access_list
    assert ours is not None
    assert theirs is not None
    assert {address: set(slots) for address, slots in ours} == {
        address: set(slots) for address, slots in theirs if slots or address != call.to
    }


@pytest.mark.parametrize("method", list(Method))
async def test_a_call_that_reverts_says_why(arena: Arena, simulators: Simulators, method: Method) -> None:
    call = _call(arena, await _circle(arena), sender=arena.owner)
    told = await simulators[method].run(call)
    assert (told.is_success, told.revert_reason) == (False, "not an operator")
    assert not told.balance_changes


@pytest.mark.parametrize("method", list(Method))
async def test_overrides_are_seen_by_their_call_alone(
    arena: Arena, simulators: Simulators, method: Method
) -> None:
    stranger = bytes_of(arena.world.accounts.traders[5])
    code = bytes.fromhex("60005460005260206000f3")  # returns slot 0
    made = {stranger: AccountOverride(code=code, slots={0: 77})}
    call = Call(sender=bytes_of(arena.operator), to=stranger, data=b"")
    simulator = simulators[method]
    assert int.from_bytes((await simulator.run(call, overrides=made)).output) == 77
    assert (await simulator.run(call)).output == b""


async def test_state_is_kept_within_a_block_and_read_anew_for_the_next(
    arena: Arena, simulators: Simulators
) -> None:
    simulator = simulators[Method.IN_PROCESS]
    assert isinstance(simulator, Simulator)
    weth = arena.world.weth
    asked = Call(
        sender=bytes_of(arena.operator),
        to=bytes_of(weth),
        data=bytes_of(abi.flat_call("balanceOf(address)", arena.executor)),
    )
    first = await simulator.run(asked)
    gift = abi.flat_call("transfer(address,uint256)", arena.executor, 123)
    await arena.send(arena.world.accounts.traders[0], weth, gift)
    kept = await simulator.run(asked)
    assert (kept.output, kept.block_number) == (first.output, first.block_number)
    assert await simulator.follow() == first.block_number + 1
    anew = await simulator.run(asked)
    assert int.from_bytes(anew.output) == int.from_bytes(first.output) + 123
    past = await simulator.run(asked, first.block_number)
    assert (past.output, past.block_number) == (first.output, first.block_number)


class _Held(HttpEndpoint):
    """A node whose answers to questions that have certain bytes in them wait."""

    def __init__(self, url: str) -> None:
        super().__init__(url, SystemClock())
        self.held = b""
        self.is_asked, self.may_go_on = asyncio.Event(), asyncio.Event()

    @override
    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> HttpAnswer | HttpFailure:
        if self.held and self.held in body:
            self.is_asked.set()
            await self.may_go_on.wait()
        return await super().post(body, headers)


async def test_calls_run_on_the_block_before_while_the_next_is_read(arena: Arena) -> None:
    giver, taker, stranger = (arena.world.accounts.traders[place] for place in (5, 6, 7))
    # BALANCE of `taker`, returned.
    code = bytes.fromhex(f"73{taker.removeprefix('0x')}3160005260206000f3")
    made = {bytes_of(stranger): AccountOverride(code=code)}
    asked = Call(sender=bytes_of(arena.operator), to=bytes_of(stranger), data=b"")
    async with _Held(arena.world.http_url) as http:
        simulator = Simulator(http, chain_id=arena.world.chain_id)
        await simulator.run(Call(sender=bytes_of(arena.operator), to=bytes_of(arena.executor), data=b""))
        first = simulator.block
        assert first is not None
        gift = {"from": giver, "to": taker, "value": hex(777), **FEES}
        await arena.rpc.call("eth_sendTransaction", gift)
        await arena.rpc.call("evm_mine")
        newest = await arena.rpc.call("eth_getBlockByNumber", "latest", False)
        http.held = newest["hash"].encode()
        moving = asyncio.ensure_future(simulator.follow())
        await http.is_asked.wait()
        before = await simulator.run(asked, overrides=made)  # reads what was not known yet
        assert before.block_number == first
        http.may_go_on.set()
        assert await moving == first + 1
        after = await simulator.run(asked, overrides=made)
        assert after.block_number == first + 1
        assert int.from_bytes(after.output) == int.from_bytes(before.output) + 777


@pytest.mark.parametrize("method", list(Method))
async def test_a_block_that_is_not_there_is_an_error(
    arena: Arena, simulators: Simulators, method: Method
) -> None:
    call = Call(sender=bytes_of(arena.operator), to=bytes_of(arena.executor), data=b"")
    with pytest.raises(Unknown):
        await simulators[method].run(call, 10**6)


async def test_what_no_block_would_take_and_a_node_that_is_gone_are_errors(
    arena: Arena, simulators: Simulators
) -> None:
    poor = Call(sender=bytes(19) + b"\1", to=bytes_of(arena.executor), data=b"", value_wei=10**30)
    with pytest.raises(Refused):
        await simulators[Method.IN_PROCESS].run(poor)
    call = Call(sender=bytes_of(arena.operator), to=bytes_of(arena.executor), data=b"")
    async with HttpEndpoint("http://127.0.0.1:9", SystemClock()) as nobody:
        for simulator in (Simulator(nobody, chain_id=1), NodeSimulator(nobody)):
            with pytest.raises(Unreachable):
                await simulator.run(call)


async def test_a_method_that_the_node_has_not_is_passed_over(arena: Arena) -> None:
    call = Call(sender=bytes_of(arena.operator), to=bytes_of(arena.executor), data=b"")
    async with HttpEndpoint(arena.world.http_url, SystemClock()) as http:
        simulator = NodeSimulator(http, ("eth_noSuchMethod", Method.CALL))  # type: ignore[arg-type]
        assert (await simulator.run(call)).method == Method.CALL
        with pytest.raises(Refused, match="found none"):
            await NodeSimulator(http, ()).run(call)
