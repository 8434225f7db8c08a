"""Does paper say what really would have come of a trade, and nothing where it cannot be known?"""

import asyncio
from pathlib import Path

import pytest
from tests.execute.arena import Arena, hop, profit_told, route
from tests.execute.desk_room import circle_body, gap_body, open_room, take_gap
from typing_extensions import override

from tidemill.bus.backends.memory import MemoryBus
from tidemill.bus.base import Batches, BusSettings, State
from tidemill.execute.chain_facts import FeeRule
from tidemill.execute.config import ExecutionLimits, PaperSettings
from tidemill.execute.plan.kinds import LoanSource
from tidemill.sandbox.faults.proxy import fault_proxy
from tidemill.schema.faults import Unreachable

GWEI = 10**9
pytestmark = [pytest.mark.timeout(90), pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("has_executor", [False, True])
async def test_a_gap_that_stays_is_filled_with_what_was_simulated(
    arena: Arena, tmp_path: Path, has_executor: bool
) -> None:
    body = await gap_body(arena)
    async with open_room(arena, tmp_path, has_executor=has_executor) as room:
        answer = await room.execute(body)
        assert answer.is_success, answer.body
        assert (await room.states())[:3] == ["received", "simulated", "paper_pending"]
        await arena.rpc.call("evm_mine")
        row = await room.until_settled()
        assert (row["state"], row["reason"]) == ("paper_filled", None)
        assert row["realised_profit"] == row["first_profit"] == row["last_profit"] > 0
        assert str(row["simulated_profit"]) == answer.content["simulated_profit"]
        assert row["realised_profit_usd"] == row["realised_profit"] / 10**6
        assert row["fee_wei"] == row["gas_used"] * row["effective_gas_price_wei"] > 0
        assert row["block_number"] == row["simulated_block"] + 1
        stats = room.desk.stats()
        assert (stats["paper_executed"], stats["paper_filled"], stats["optimism_ratio"]) == (1, 1, 1.0)
        assert stats["total_profit"] == pytest.approx(row["realised_profit"] / 10**6)
        assert [news["type"] for news in room.heard] == ["paper_execution", "execution_state"]


async def test_a_signals_own_priority_fee_counts_on_paper_and_against_the_limit(
    arena: Arena, tmp_path: Path
) -> None:
    body = await gap_body(arena) | {"priorityFeeWei": str(7 * GWEI)}
    async with open_room(arena, tmp_path / "one", paper=PaperSettings(priority_fee_wei=GWEI)) as room:
        assert (await room.execute(body)).is_success
        await arena.rpc.call("evm_mine")
        row = await room.until_settled()
        mined = await arena.rpc.call("eth_getBlockByNumber", hex(row["block_number"]), False)
        assert row["effective_gas_price_wei"] == int(mined["baseFeePerGas"], 16) + 7 * GWEI
    limits = ExecutionLimits(gas_price_max_wei=6 * GWEI)
    async with open_room(arena, tmp_path / "two", limits=limits) as room:
        assert "is above the limit, 6000000000" in (await room.execute(body)).content["error"]


async def test_what_paper_says_is_what_live_gains(arena: Arena, tmp_path: Path) -> None:
    body = await gap_body(arena)
    usdc, weth, dai = (arena.token(symbol) for symbol in ("USDC", "WETH", "DAI"))
    made = route(
        arena.loan(LoanSource.BALANCER_V2),
        [
            hop(arena.pool("uniswap", "uniswap_v2", ("WETH", "USDC")), usdc, weth),
            hop(arena.pool("uniswap", "uniswap_v3", ("WETH", "DAI")), weth, dai),
            hop(arena.pool("uniswap", "uniswap_v3", ("DAI", "USDC")), dai, usdc),
        ],
    )
    snapshot = await arena.rpc.call("evm_snapshot")
    gained = profit_told(await arena.execute(made))
    await arena.rpc.call("evm_revert", snapshot)
    async with open_room(arena, tmp_path) as room:
        assert (await room.execute(body)).content["simulated_profit"] == str(gained)


async def test_a_gap_that_a_competitor_takes_is_missed(arena: Arena, tmp_path: Path) -> None:
    body = await gap_body(arena)
    async with open_room(arena, tmp_path) as room:
        assert (await room.execute(body)).is_success
        await take_gap(arena)
        row = await room.until_settled()
        assert row["state"] == "paper_missed"
        assert (row["last_profit"], row["realised_profit"]) == (None, None)
        assert row["first_profit"] > 0
        assert row["reason"]
        stats = room.desk.stats()
        assert (stats["paper_missed"], stats["optimism_ratio"], stats["total_profit"]) == (1, None, 0.0)


async def test_as_the_first_of_its_block_it_is_before_the_competitor(arena: Arena, tmp_path: Path) -> None:
    body = await gap_body(arena)
    async with open_room(arena, tmp_path, paper=PaperSettings(position="first")) as room:
        assert (await room.execute(body)).is_success
        await take_gap(arena)
        row = await room.until_settled()
        assert (row["state"], row["last_profit"]) == ("paper_filled", None)
        assert row["realised_profit"] == row["first_profit"] > 0


async def test_it_is_judged_in_the_block_of_its_delay(arena: Arena, tmp_path: Path) -> None:
    body = await gap_body(arena)
    async with open_room(arena, tmp_path, paper=PaperSettings(inclusion_blocks=3)) as room:
        assert (await room.execute(body)).is_success
        await arena.rpc.call("evm_mine")
        await take_gap(arena)
        assert "paper_missed" not in await room.states()
        await arena.rpc.call("evm_mine")
        row = await room.until_settled()
        assert (row["state"], row["first_profit"]) == ("paper_missed", None)
        assert row["block_number"] == row["simulated_block"] + 3


async def test_what_waits_is_judged_after_a_restart(arena: Arena, tmp_path: Path) -> None:
    body = await gap_body(arena) | {"idempotency_key": "one"}
    async with open_room(arena, tmp_path) as room:
        first = await room.execute(body)
    await arena.rpc.call("evm_mine")
    async with open_room(arena, tmp_path) as room:
        row = await room.until_settled()
        assert row["state"] == "paper_filled"
        assert (await room.execute(body)).content == first.content
        assert await room.states() == ["received", "simulated", "paper_pending", "paper_filled"]


async def test_a_signal_sent_twice_is_one_trade(arena: Arena, tmp_path: Path) -> None:
    body = await gap_body(arena) | {"idempotency_key": "one"}
    async with open_room(arena, tmp_path) as room:
        answers = await asyncio.gather(*(room.execute(body) for _ in range(5)))
        answers.append(await room.execute(body))
        assert len({answer.content["execution_id"] for answer in answers}) == 1
        assert all(answer.content == answers[0].content for answer in answers)
        assert (await room.states()).count("received") == 1
        other = await room.execute(body | {"amount": "1"})
        assert "the signal it first came with" in other.content["error"]


async def test_what_fails_is_told_with_its_reason(arena: Arena, tmp_path: Path) -> None:
    async with open_room(arena, tmp_path) as room:
        losing = (await room.execute(circle_body(arena))).content
        assert (losing["success"], losing["error"]) == (False, "Simulation failed")
        assert losing["reason"]
        usdc = "0x" + arena.token("USDC").hex()
        pool = circle_body(arena)["routers"][0]
        one_hop = circle_body(arena, protocols=[0], routers=[pool], path=[usdc], extras=["0x"])
        assert "it cannot profit" in (await room.execute(one_hop)).content["error"]
        far = (await room.execute(circle_body(arena, chainId=137))).content
        assert (far["error"], "RPC_POLYGON" in far["reason"]) == ("Chain 137 not configured", True)
        retired = (await room.execute(circle_body(arena, chainId=250))).content
        assert (retired["error"], "Sonic" in retired["reason"]) == ("Chain 250 not configured", True)
        lenderless = {**circle_body(arena, flashSource=6)}
        del lenderless["lender"]
        assert "MORPHO" in (await room.execute(lenderless)).content["error"]
        nothing = circle_body(arena, routers=["0x" + "11" * 20] * 3)
        assert (await room.execute(nothing)).content["error"] == "Simulation failed"
        assert await room.states() == [
            *("received", "failed"),
            *("received", "refused"),
            *("received", "refused"),
            *("received", "failed"),
        ]
        assert [news["type"] for news in room.heard].count("execution_failed") == 6


ORACLE = "0x420000000000000000000000000000000000000f"
TELLS_LENGTH = "0x3660005260206000f3"
"""Of what it was asked: CALLDATASIZE, MSTORE, RETURN."""


async def test_a_second_layers_fee_for_data_is_part_of_what_a_trade_costs(
    arena: Arena, tmp_path: Path
) -> None:
    body = await gap_body(arena)
    await arena.rpc.call("anvil_setCode", ORACLE, TELLS_LENGTH)
    async with open_room(arena, tmp_path, fee_rule=FeeRule.OP_STACK) as room:
        assert (await room.execute(body)).is_success
        await arena.rpc.call("evm_mine")
        row = await room.until_settled()
    assert row["state"] == "paper_filled"
    data_fee_wei = row["fee_wei"] - row["gas_used"] * row["effective_gas_price_wei"]
    # A selector and a word; a selector, where the bytes are, how many, and the call data in whole words.
    assert data_fee_wei > 36 + 68
    assert (data_fee_wei - 36 - 68) % 32 == 0


async def test_a_second_layer_that_does_not_tell_its_fee_is_no_verdict(arena: Arena, tmp_path: Path) -> None:
    body = await gap_body(arena)
    async with open_room(arena, tmp_path, fee_rule=FeeRule.SCROLL) as room:
        assert (await room.execute(body)).is_success
        await arena.rpc.call("evm_mine")
        row = await room.until_settled()
    assert (row["state"], row["fee_wei"]) == ("unknown", None)
    assert "fees: expected 1 numbers of a contract" in row["reason"]


async def test_limits_refuse_on_paper_as_live(arena: Arena, tmp_path: Path) -> None:
    body = await gap_body(arena)
    limits = ExecutionLimits(open_max=1, slippage_max_bps=100)
    async with open_room(arena, tmp_path, limits=limits) as room:
        lax = await room.execute(body | {"minProfit": "1"})
        assert "above 100 bps" in lax.content["error"]
        answers = await asyncio.gather(*(room.execute(body) for _ in range(3)))
        assert [answer.is_success for answer in answers] == [True, False, False]
        assert "under way" in answers[1].content["error"]
        await arena.rpc.call("evm_mine")
        await room.until_settled()
        assert (await room.execute(body)).is_success


async def test_what_trades_under_way_may_cost_is_taken_from_the_day_s_fees(
    arena: Arena, tmp_path: Path
) -> None:
    body = await gap_body(arena)
    async with open_room(arena, tmp_path / "lax") as room:
        assert (await room.execute(body)).is_success
        await arena.rpc.call("evm_mine")
        fee_wei = (await room.until_settled())["fee_wei"]
    limits = ExecutionLimits(fee_a_day_max_wei=2 * fee_wei)
    async with open_room(arena, tmp_path / "strict", limits=limits) as room:
        answers = await asyncio.gather(*(room.execute(body) for _ in range(4)))
        assert 1 <= sum(answer.is_success for answer in answers) <= 2
        assert "with its fee today's would be" in answers[-1].content["error"]
        await arena.rpc.call("evm_mine")
        await room.until_settled()
        assert room.ledger.tally.days["sandbox"].fee_wei <= 2 * fee_wei


class _FullDisk(MemoryBus):
    """A bus that takes nothing."""

    @override
    async def commit(self, batches: Batches, state: State | None = None) -> list[int]:
        raise Unreachable("bus: expected room on the disk, found none")


async def test_a_trade_that_the_ledger_could_not_keep_is_not_under_way(arena: Arena, tmp_path: Path) -> None:
    body = await gap_body(arena)
    async with open_room(arena, tmp_path, limits=ExecutionLimits(open_max=1)) as room:
        disk, room.ledger.bus = room.ledger.bus, _FullDisk(BusSettings())
        assert "room on the disk" in (await room.execute(body)).content["error"]
        room.ledger.bus = disk
        assert (await room.execute(body)).is_success


async def test_more_signals_than_the_queue_holds_are_put_off(arena: Arena, tmp_path: Path) -> None:
    body = await gap_body(arena)
    async with open_room(arena, tmp_path) as room:
        answers = await asyncio.gather(*(room.execute(body) for _ in range(50)))
        put_off = [answer for answer in answers if answer.retry_after_s]
        assert 0 < len(put_off) < 50
        assert (await room.states()).count("received") == 50 - len(put_off)


async def test_an_endpoint_that_is_away_when_the_block_comes_is_waited_for(
    arena: Arena, tmp_path: Path
) -> None:
    body = await gap_body(arena)
    async with (
        fault_proxy(http_url=arena.world.http_url) as proxy,
        open_room(arena, tmp_path, url=proxy.http_url) as room,
    ):
        assert (await room.execute(body)).is_success
        async with proxy.outage():
            await arena.rpc.call("evm_mine")
            await asyncio.sleep(0.2)  # so long, ten times nobody answers: it is no verdict
            assert await room.states() == ["received", "simulated", "paper_pending"]
        row = await room.until_settled()
        assert (row["state"], row["realised_profit"]) == ("paper_filled", row["simulated_profit"])
