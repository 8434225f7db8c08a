"""Does the executor trade in circles in every kind of pool with every lender's money, and leave nothing?"""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.execute.arena import (
    BORROWED,
    Arena,
    balancer_v3_hop,
    bytes_of,
    hop,
    profit_told,
    route,
)

from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.plan.route import Hop, Loan, PairHop
from tidemill.execute.plan.route_codec import call_data, encode
from tidemill.sandbox import abi

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]
"""Balancer's sources are compiled once, which takes a minute of an idle machine."""

WIDENED = 400 * 10**18
"""WETH that is sold to make a gap: about a tenth of what the pools have."""
FURTHER = (
    "uniswap_v4",
    "algebra_v1",
    "algebra_v2",
    "algebra_integral",
    "balancer_v2_weighted",
    "balancer_v2_stable",
    "curve_stable",
    "curve_stable_ng",
    "pancake_v3",
)


async def _gap(arena: Arena) -> list[Hop]:
    """Make WETH cheap at Uniswap and return the circle that buys it there and sells it at Sushi."""
    cheap = arena.pool("uniswap", "uniswap_v2", ("WETH", "USDC"))
    dear = arena.pool("sushiswap", "uniswap_v2", ("WETH", "USDC"))
    await arena.widen(cheap, arena.world.weth, WIDENED)
    usdc, weth = arena.token("USDC"), arena.token("WETH")
    return [hop(cheap, usdc, weth), hop(dear, weth, usdc)]


async def _left(arena: Arena) -> int:
    """Return what the executor has of all tokens together."""
    return sum([await arena.balance(token.address, arena.executor) for token in arena.world.tokens])


@pytest.mark.parametrize("source", list(LoanSource))
async def test_with_each_lenders_money_the_owner_gains_what_is_told_and_nothing_is_left(
    arena: Arena, source: LoanSource
) -> None:
    hops = await _gap(arena)
    usdc = arena.world.token("USDC").address
    if source == LoanSource.OWN_FUNDS:
        await arena.send(
            arena.owner, usdc, abi.flat_call("approve(address,uint256)", arena.executor, BORROWED)
        )
    before = await arena.balance(usdc, arena.owner)
    receipt = await arena.execute(route(arena.loan(source), hops))
    assert receipt["status"] == "0x1"
    gained = await arena.balance(usdc, arena.owner) - before
    assert gained == profit_told(receipt) > 0
    assert await _left(arena) == 0
    for lender in filter(any, arena.lenders.values()):
        allowance = abi.flat_call("allowance(address,address)", arena.executor, "0x" + lender.hex())
        assert int(await arena.call(usdc, allowance), 16) == 0


async def _lent_by_its_hop(arena: Arena, hops: list[Hop]) -> dict[str, Any]:
    """Carry a circle out with what its first pair gives before it is paid."""
    assert isinstance(hops[0], PairHop)
    usdc = arena.token("USDC")
    loan = Loan(source=LoanSource.UNISWAP_V2, lender=hops[0].pair, token=usdc, amount=BORROWED, fee_ppm=0)
    return await arena.execute(route(loan, hops))


async def test_a_first_pair_that_lends_gains_what_a_loan_for_nothing_does(arena: Arena) -> None:
    hops = await _gap(arena)
    usdc = arena.world.token("USDC").address
    snapshot = await arena.rpc.call("evm_snapshot")
    expected = profit_told(await arena.execute(route(arena.loan(LoanSource.MORPHO), hops)))
    await arena.rpc.call("evm_revert", snapshot)
    before = await arena.balance(usdc, arena.owner)
    receipt = await _lent_by_its_hop(arena, hops)
    assert await arena.balance(usdc, arena.owner) - before == profit_told(receipt) == expected > 0
    assert await _left(arena) == 0


async def test_a_first_pair_that_lends_too_little_or_for_a_loss_is_undone(arena: Arena) -> None:
    first, second = await _gap(arena)
    usdc = arena.world.token("USDC").address
    before = await arena.balance(usdc, arena.owner)
    greedy = await _lent_by_its_hop(arena, [replace(first, min_out=10**30), second])
    cheap, dear = (arena.pool(dex, "uniswap_v2", ("WETH", "USDC")) for dex in ("uniswap", "sushiswap"))
    weth = arena.token("WETH")
    losing = await _lent_by_its_hop(
        arena, [hop(dear, arena.token("USDC"), weth), hop(cheap, weth, arena.token("USDC"))]
    )
    assert (greedy["status"], losing["status"]) == ("0x0", "0x0")
    assert await arena.balance(usdc, arena.owner) == before


@pytest.mark.parametrize("source", list(LoanSource)[1:])
async def test_a_circle_that_would_lose_is_undone_whoever_lends(arena: Arena, source: LoanSource) -> None:
    first, second = await _gap(arena)
    cheap = arena.pool("uniswap", "uniswap_v2", ("WETH", "USDC"))
    dear = arena.pool("sushiswap", "uniswap_v2", ("WETH", "USDC"))
    usdc, weth = arena.token("USDC"), arena.token("WETH")
    hops = [hop(dear, usdc, weth), hop(cheap, weth, usdc)]
    before = await arena.balance(usdc, arena.owner)
    receipt = await arena.execute(route(arena.loan(source), hops))
    assert (receipt["status"], receipt["logs"]) == ("0x0", [])
    assert await arena.balance(usdc, arena.owner) == before
    assert (first.token_out, second.token_out) == (weth, usdc)


@pytest.mark.parametrize("protocol", FURTHER)
async def test_a_circle_goes_through_each_kind_of_pool(arena: Arena, protocol: str) -> None:
    stable = protocol in ("balancer_v2_stable", "curve_stable", "curve_stable_ng")
    other = "USDT" if stable else "WETH"
    pool = arena.further(protocol, ("USDC", other))
    back = arena.pool("uniswap", "uniswap_v3", ("USDC", "USDT") if stable else ("WETH", "USDC"))
    size = 3 * 10**6 * 10**6 if stable else WIDENED // 4
    await arena.widen(pool, arena.world.token(other).address, size)
    usdc, middle = arena.token("USDC"), arena.token(other)
    hops = [hop(pool, usdc, middle), hop(back, middle, usdc)]
    source = LoanSource.MORPHO
    receipt = await arena.execute(route(arena.loan(source), hops))
    assert receipt["status"] == "0x1"
    assert profit_told(receipt) > 0
    assert await _left(arena) == 0


@pytest.mark.parametrize("source", [LoanSource.BALANCER_V3, LoanSource.MORPHO])
async def test_balancers_vault_is_traded_in_inside_and_outside_of_its_own_loan(
    arena: Arena, source: LoanSource
) -> None:
    usdc, link, weth = (arena.token(symbol) for symbol in ("USDC", "LINK", "WETH"))
    first = arena.pool("uniswap", "uniswap_v2", ("LINK", "WETH"))
    await arena.widen(first, arena.world.weth, WIDENED // 2)
    hops = [
        hop(arena.pool("sushiswap", "uniswap_v2", ("WETH", "USDC")), usdc, weth),
        hop(first, weth, link),
        balancer_v3_hop(arena, usdc),
    ]
    await arena.widen(arena.pool("uniswap", "uniswap_v2", ("LINK", "WETH")), "0x" + link.hex(), 10**23)
    receipt = await arena.execute(route(arena.loan(source, 500 * 10**6), hops))
    assert receipt["status"] == "0x1"
    assert await _left(arena) == 0


async def test_v4s_manager_is_traded_in_inside_of_its_own_loan(arena: Arena) -> None:
    pool = arena.further("uniswap_v4", ("WETH", "USDC"))
    await arena.widen(pool, arena.world.weth, WIDENED // 4)
    usdc, weth = arena.token("USDC"), arena.token("WETH")
    back = arena.pool("uniswap", "uniswap_v3", ("WETH", "USDC"), 3_000)
    hops = [hop(pool, usdc, weth), hop(back, weth, usdc)]
    receipt = await arena.execute(route(arena.loan(LoanSource.UNISWAP_V4), hops))
    assert receipt["status"] == "0x1"
    assert profit_told(receipt) > 0
    assert await _left(arena) == 0


async def test_what_the_plan_limits_is_kept(arena: Arena) -> None:
    usdc = arena.token("USDC")
    hops = await _gap(arena)
    loan = arena.loan(LoanSource.MORPHO)
    block = int(await arena.rpc.call("eth_blockNumber"), 16)
    gain = profit_told(await arena.execute(route(loan, hops, min_profit=1)))
    assert gain > 1
    greedy = call_data(encode(route(loan, hops, min_profit=gain)))
    assert "no profit" in await arena.why(greedy)
    late = call_data(encode(route(loan, hops, last_block=block)))
    assert "too late" in await arena.why(late)
    dear = arena.pool("sushiswap", "uniswap_v2", ("WETH", "USDC"))
    least = [hops[0], hop(dear, arena.token("WETH"), usdc, min_out=2 * BORROWED)]
    assert "too little out" in await arena.why(call_data(encode(route(loan, least))))


async def test_only_an_operator_executes_and_only_the_owner_decides(arena: Arena) -> None:
    plan = call_data(encode(route(arena.loan(LoanSource.MORPHO), await _gap(arena))))
    stranger = arena.world.accounts.traders[0]
    assert "not an operator" in await arena.why(plan, stranger)
    assert "not an operator" in await arena.why(plan, arena.owner)
    usdc = arena.world.token("USDC").address
    decisions = [
        abi.flat_call("set_operator(address,bool)", stranger, 1),
        abi.flat_call("offer_ownership(address)", stranger),
        abi.flat_call("rescue(address)", usdc),
    ]
    for decision in decisions:
        for sender in (stranger, arena.operator):
            assert "not the owner" in await arena.why(bytes_of(decision), sender)
    assert "not the heir" in await arena.why(bytes_of(abi.flat_call("accept_ownership()")), stranger)
    await arena.send(arena.owner, arena.executor, decisions[0])
    assert (await arena.send(stranger, arena.executor, plan))["status"] == "0x1"


async def test_what_is_stuck_is_rescued_by_the_owner(arena: Arena) -> None:
    usdc = arena.world.token("USDC").address
    await arena.send(arena.owner, usdc, abi.flat_call("mint(address,uint256)", arena.executor, 77))
    before = await arena.balance(usdc, arena.owner)
    assert (await arena.send(arena.owner, arena.executor, abi.flat_call("rescue(address)", usdc)))[
        "status"
    ] == "0x1"
    assert await arena.balance(usdc, arena.owner) == before + 77
    await arena.rpc.call("anvil_setBalance", arena.executor, hex(5))
    ether = int(await arena.rpc.call("eth_getBalance", arena.executor, "latest"), 16)
    nobody = abi.flat_call("rescue(address)", 0)
    assert (ether, (await arena.send(arena.owner, arena.executor, nobody))["status"]) == (5, "0x1")
    assert int(await arena.rpc.call("eth_getBalance", arena.executor, "latest"), 16) == 0


async def test_the_owner_changes_when_the_heir_accepts(arena: Arena) -> None:
    heir = arena.world.accounts.traders[1]
    await arena.send(arena.owner, arena.executor, abi.flat_call("offer_ownership(address)", heir))
    assert int(await arena.call(arena.executor, abi.flat_call("owner()")), 16) == int(arena.owner, 16)
    await arena.send(heir, arena.executor, abi.flat_call("accept_ownership()"))
    assert int(await arena.call(arena.executor, abi.flat_call("owner()")), 16) == int(heir, 16)
    assert int(await arena.call(arena.executor, abi.flat_call("heir()")), 16) == 0
