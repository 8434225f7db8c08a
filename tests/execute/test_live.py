"""Does LIVE carry trades out on a real chain, and does its ledger say just what the chain says?"""

import os
from pathlib import Path

import pytest
from msgspec import structs
from tests.execute.arena import Arena, profit_told
from tests.execute.live_desk import GWEI, Desk, open_desk

from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.trade import Trade
from tidemill.sandbox import abi
from tidemill.schema.faults import Refused

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]
TRADES = int(os.environ.get("LIVE_TRADES", "8"))
AMOUNT = 2_000 * 10**6
"""USDC."""


async def _left(arena: Arena) -> int:
    return sum([await arena.balance(token.address, arena.executor) for token in arena.world.tokens])


async def _carry_out(desk: Desk, source: LoanSource) -> None:
    """Carry one planted opportunity out, and compare ledger, simulation and chain."""
    arena = desk.arena
    usdc = arena.world.token("USDC").address
    trade = await desk.trade(await desk.gap(), source, amount=AMOUNT)
    before = await arena.balance(usdc, arena.owner)
    sent = await desk.live.send(trade)
    await desk.look(1)
    included = desk.events[-1]
    receipt = await desk.receipt(sent.tx_hash)
    assert included.state == "included"
    assert receipt["status"] == "0x1"
    gained = await arena.balance(usdc, arena.owner) - before
    assert gained == trade.simulated.profit == included.realised_profit == profit_told(receipt) > 0
    assert included.gas_used == int(receipt["gasUsed"], 16)
    assert included.fee_wei == included.gas_used * int(receipt["effectiveGasPrice"], 16)
    assert (included.tx_hash, included.block_hash) == (
        bytes.fromhex(receipt["transactionHash"][2:]),
        bytes.fromhex(receipt["blockHash"][2:]),
    )


async def test_planted_opportunities_gain_what_was_simulated_whoever_lends(
    arena: Arena, tmp_path: Path
) -> None:
    sources = list(LoanSource)
    async with open_desk(arena, tmp_path) as desk:
        usdc = arena.world.token("USDC").address
        approve = abi.flat_call("approve(address,uint256)", arena.executor, 10**12)
        await arena.send(arena.owner, usdc, approve)
        for number in range(TRADES):
            await _carry_out(desk, sources[number % len(sources)])
        await desk.look(3)
        assert desk.states.count("final") == TRADES
        assert await _left(arena) == 0
        assert not desk.ledger.unsettled
        nonce = int(await arena.rpc.call("eth_getTransactionCount", desk.account, "latest"), 16)
        paid = 10**20 - int(await arena.rpc.call("eth_getBalance", desk.account, "latest"), 16)
        finals = [one for one in desk.events if one.state == "final"]
        assert (nonce, paid) == (TRADES, sum(one.fee_wei or 0 for one in finals))
        assert [one.nonce for one in finals] == list(range(TRADES))


async def test_a_signals_own_priority_fee_is_what_is_offered(arena: Arena, tmp_path: Path) -> None:
    async with open_desk(arena, tmp_path) as desk:
        trade = await desk.trade(await desk.gap(), LoanSource.MORPHO, amount=AMOUNT)
        policy = desk.terms.policy
        with pytest.raises(Refused, match="priorityFeeWei of"):
            await desk.live.send(_offering(trade, policy.tip_max_wei + 1))
        sent = await desk.live.send(_offering(trade, 7 * 10**9))
        await desk.look(1)
        receipt = await desk.receipt(sent.tx_hash)
        mined = await arena.rpc.call("eth_getBlockByNumber", receipt["blockNumber"], False)
        paid_wei = int(receipt["effectiveGasPrice"], 16) - int(mined["baseFeePerGas"], 16)
        assert paid_wei == 7 * 10**9


def _offering(trade: Trade, priority_fee_wei: int) -> Trade:
    signal = structs.replace(trade.received.signal, priority_fee_wei=priority_fee_wei)
    return structs.replace(trade, received=structs.replace(trade.received, signal=signal))


async def test_a_trade_goes_through_every_state_once(arena: Arena, tmp_path: Path) -> None:
    async with open_desk(arena, tmp_path) as desk:
        trade = await desk.trade(await desk.gap(), LoanSource.MORPHO, amount=AMOUNT)
        await desk.live.send(trade)
        await desk.look()
        await desk.look(4)
        assert desk.states == ["received", "simulated", "signed", "sent", "included", "final"]
        assert [one.sequence for one in desk.events] == list(range(6))


class _Foreseen:
    """A forecast that is told of blocks and always says the same."""

    def __init__(self) -> None:
        self.blocks: list[tuple[int, int, int, int]] = []

    def tell_block(self, base_fee_wei: int, gas_used: int, gas_limit: int, event_ns: int) -> None:
        self.blocks.append((base_fee_wei, gas_used, gas_limit, event_ns))

    def high_wei(self) -> int | None:
        return 30 * GWEI


async def test_a_forecast_of_the_base_fee_makes_room_in_what_is_offered(arena: Arena, tmp_path: Path) -> None:
    foreseen = _Foreseen()
    async with open_desk(arena, tmp_path, forecast=foreseen) as desk:
        trade = await desk.trade(await desk.gap(), LoanSource.MORPHO, amount=AMOUNT)
        await desk.look()
        head = await arena.rpc.call("eth_getBlockByNumber", "latest", False)
        assert foreseen.blocks[-1][0] == int(head["baseFeePerGas"], 16)
        sent = await desk.live.send(trade)
        assert sent.told.tx_hash is not None
        told = await arena.rpc.call("eth_getTransactionByHash", "0x" + sent.told.tx_hash.hex())
        assert int(told["maxFeePerGas"], 16) == 30 * GWEI + int(told["maxPriorityFeePerGas"], 16)


async def test_a_restart_between_inclusion_and_its_end_counts_nothing_again(
    arena: Arena, tmp_path: Path
) -> None:
    async with open_desk(arena, tmp_path) as desk:
        await desk.live.send(await desk.trade(await desk.gap(), LoanSource.MORPHO, amount=AMOUNT))
        await desk.look(1)
        assert desk.states[-1] == "included"
        counted = desk.ledger.tally
    async with open_desk(arena, tmp_path, signer=desk.signer) as again:
        assert (again.events, again.ledger.tally) == ([], counted)
        await again.look(2)
        assert again.states == ["final"]


async def test_a_reorg_during_a_restart_is_told(arena: Arena, tmp_path: Path) -> None:
    async with open_desk(arena, tmp_path) as desk:
        trade = await desk.trade(await desk.gap(), LoanSource.MORPHO, amount=AMOUNT)
        before = await arena.rpc.call("evm_snapshot")
        await desk.live.send(trade)
        await desk.look(1)
    await arena.rpc.call("evm_revert", before)
    await desk.mine(2)
    async with open_desk(arena, tmp_path, signer=desk.signer) as again:
        assert again.states[0] == "reorged"
        await again.look(4)
        assert again.states[-2:] == ["included", "final"]
        assert again.ledger.tally.included == 1
