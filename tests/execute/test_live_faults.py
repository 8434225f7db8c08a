"""Is nothing sent twice, lost or left unknown, whatever node, pool and chain do in between?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from tests.execute.arena import Arena
from tests.execute.live_desk import CLOCK, GWEI, STOP, Desk, funded, open_desk
from tests.execute.node_proxy import open_proxy

from tidemill.core.http import HttpEndpoint
from tidemill.execute.account.transaction import Fees, cancelling
from tidemill.execute.live.kill_switch import Engaged
from tidemill.execute.live.stopping import StopLimits
from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.sending.mempool import Mempool
from tidemill.execute.trade import Trade
from tidemill.schema.faults import Refused, Unreachable, Unsafe

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]
AMOUNT = 2_000 * 10**6


async def _trade(desk: Desk, *, keeps_percent: int | None = None) -> Trade:
    hops = await desk.gap()
    return await desk.trade(hops, LoanSource.MORPHO, amount=AMOUNT, keeps_percent=keeps_percent)


async def _take_away(desk: Desk, trade: Trade) -> None:
    """Carry the same route out as a competitor, a block before."""
    theirs = structs.replace(trade.route, min_profit=1)
    receipt = await desk.arena.execute(theirs)
    assert receipt["status"] == "0x1"


@asynccontextmanager
async def _next_base_fee(arena: Arena, wei: int) -> AsyncIterator[None]:
    """Have the next block take so much; the node does not take it back with its blocks, this does."""
    await arena.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(wei))
    try:
        yield
    finally:
        await arena.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(GWEI))


async def _asked(desk: Desk, digest: bytes | None) -> dict[str, str]:
    return await desk.arena.rpc.call("eth_getTransactionByHash", "0x" + (digest or b"").hex())


async def _sent_by(arena: Arena, account: str) -> int:
    return int(await arena.rpc.call("eth_getTransactionCount", account, "latest"), 16)


async def test_what_a_node_drops_is_sent_again_as_it_was(arena: Arena, tmp_path: Path) -> None:
    async with open_desk(arena, tmp_path) as desk:
        sent = await desk.live.send(await _trade(desk))
        digest = "0x" + (sent.tx_hash or b"").hex()
        await arena.rpc.call("anvil_dropTransaction", digest)
        assert await arena.rpc.call("eth_getTransactionByHash", digest) is None
        await desk.look()
        await desk.look(3)
        assert desk.states[2:] == ["signed", "sent", "included", "final"]
        assert {one.tx_hash for one in desk.events[2:]} == {sent.tx_hash}


async def test_a_reorg_after_success_is_told_and_it_is_included_again(arena: Arena, tmp_path: Path) -> None:
    async with open_desk(arena, tmp_path) as desk:
        trade = await _trade(desk)
        snapshot = await arena.rpc.call("evm_snapshot")
        await desk.live.send(trade)
        await desk.look(1)
        assert desk.states[-1] == "included"
        await arena.rpc.call("evm_revert", snapshot)
        await desk.mine(2)
        await desk.look()
        assert desk.states[-2:] == ["reorged", "sent"]
        await desk.look(3)
        assert desk.states[2:] == ["signed", "sent", "included", "reorged", "sent", "included", "final"]
        assert await _sent_by(arena, desk.account) == 1


async def test_a_gap_that_others_closed_reverts_and_is_told_with_its_cost(
    arena: Arena, tmp_path: Path
) -> None:
    async with open_desk(arena, tmp_path) as desk:
        trade = await _trade(desk, keeps_percent=100)
        await _take_away(desk, trade)
        await desk.live.send(trade)
        await desk.look(3)
        assert desk.states[2:] == ["signed", "sent", "included", "failed"]
        failed = desk.events[-1]
        assert (failed.reason, failed.realised_profit) == ("it was included and reverted", None)
        assert failed.fee_wei


async def test_what_waits_too_long_is_offered_with_more_and_carried_out_once(
    arena: Arena, tmp_path: Path
) -> None:
    async with open_desk(arena, tmp_path, replace_after_blocks=0) as desk:
        sent = await desk.live.send(await _trade(desk))
        before = await _asked(desk, sent.tx_hash)
        await desk.look()
        after = await _asked(desk, desk.events[-1].tx_hash)
        for field in ("maxFeePerGas", "maxPriorityFeePerGas"):
            assert int(after[field], 16) * 8 >= int(before[field], 16) * 9
        await desk.look(3)
        assert desk.states[2:] == ["signed", "sent", "sent", "included", "final"]
        assert await _sent_by(arena, desk.account) == 1


async def test_what_is_late_is_cancelled(arena: Arena, tmp_path: Path) -> None:
    async with open_desk(arena, tmp_path) as desk:
        trade = await _trade(desk)
        now = trade.simulated.simulation.block_number
        late = structs.replace(trade, route=structs.replace(trade.route, last_block=now))
        await desk.live.send(late)
        await desk.look()
        await desk.look(3)
        assert desk.states[2:] == ["signed", "sent", "replaced"]
        replaced = desk.events[-1]
        assert replaced.reason == "it was cancelled: nothing was carried out"
        assert replaced.gas_used == 21_000
        assert await _sent_by(arena, desk.account) == 1


@pytest.mark.parametrize(("price_max_wei", "end"), [(500 * GWEI, "included"), (20 * GWEI, "dropped")])
async def test_an_offer_that_is_too_low_is_raised_as_far_as_the_limit_allows(
    arena: Arena, tmp_path: Path, price_max_wei: int, end: str
) -> None:
    async with _next_base_fee(arena, GWEI):
        await arena.rpc.call("evm_mine")
        async with open_desk(arena, tmp_path) as desk, _next_base_fee(arena, 30 * GWEI):
            trade = structs.replace(await _trade(desk), gas_price_max_wei=price_max_wei)
            await desk.live.send(trade)  # it has the cheap block before its eyes
            await desk.look(1)
            assert desk.states[-1] == end
            assert await _sent_by(arena, desk.account) == (end == "included")


async def test_an_account_that_cannot_pay_sends_nothing(arena: Arena, tmp_path: Path) -> None:
    async with open_desk(arena, tmp_path) as desk:
        await arena.rpc.call("anvil_setBalance", desk.account, hex(10**9))
        trade = await _trade(desk)
        await desk.look()
        with pytest.raises(Refused, match="wei for gas"):
            await desk.live.send(trade)
        await arena.rpc.call("anvil_setBalance", desk.account, hex(10**20))
        await desk.look()
        await desk.live.send(trade)
        assert desk.events[-1].nonce == 0


async def test_a_nonce_that_others_took_is_told(arena: Arena, tmp_path: Path) -> None:
    async with open_desk(arena, tmp_path) as desk:
        trade = await _trade(desk)
        foreign = cancelling(desk.signer.address, 31_337, 0, Fees(100 * GWEI, GWEI))
        raw = (await desk.signer.sign(foreign)).raw
        await arena.rpc.call("eth_sendRawTransaction", "0x" + raw.hex())
        await desk.mine()
        await desk.live.send(trade)
        assert desk.states[2:] == ["signed", "unknown"]
        with pytest.raises(Unreachable, match="unknown"):
            await desk.live.send(trade)
        await desk.look(4)
        assert desk.states[2:] == ["signed", "unknown", "replaced"]
        await desk.live.send(await _trade(desk))
        await desk.look(1)
        assert (desk.states[-1], desk.events[-1].nonce) == ("included", 1)


async def test_a_nonce_gap_is_filled_after_a_start(arena: Arena, tmp_path: Path) -> None:
    signer = await funded(arena)
    async with open_desk(arena, tmp_path, signer=signer) as desk:
        trades = [await _trade(desk), await _trade(desk)]
        first, _ = [await desk.live.send(trade) for trade in trades]
        await arena.rpc.call("anvil_dropTransaction", "0x" + (first.tx_hash or b"").hex())
        lost = next(key for key, _ in await desk.ledger.bus.state(b"outgoing/"))
        await desk.ledger.tell(state={lost: None})  # as if a disk had forgotten it
    async with open_desk(arena, tmp_path, signer=signer) as desk:
        await desk.look(2)
        assert await _sent_by(arena, desk.account) == 2
        assert (desk.states[-1], desk.events[-1].nonce) == ("included", 1)
        [filled] = [key for key, _ in await desk.ledger.bus.state(b"outgoing/")][:1]
        assert filled == lost


async def test_who_else_sends_from_the_account_is_noticed_at_the_start(arena: Arena, tmp_path: Path) -> None:
    signer = await funded(arena)
    foreign = cancelling(signer.address, 31_337, 0, Fees(100 * GWEI, GWEI))
    raw = (await signer.sign(foreign)).raw
    await arena.rpc.call("eth_sendRawTransaction", "0x" + raw.hex())
    with pytest.raises(Refused, match="expected to be alone"):
        async with open_desk(arena, tmp_path, signer=signer):
            pass


@pytest.mark.parametrize("did_its_work", [True, False])
async def test_a_node_that_breaks_off_in_mid_flight_is_asked_again_and_it_is_carried_out_once(
    arena: Arena, tmp_path: Path, did_its_work: bool
) -> None:
    async with open_proxy(arena.world.http_url) as proxy, HttpEndpoint(proxy.url, CLOCK) as http:
        async with open_desk(arena, tmp_path, trading=Mempool(http)) as desk:
            trade = await _trade(desk)
            proxy.is_broken, proxy.is_mute = not did_its_work, did_its_work
            await desk.live.send(trade)
            assert desk.states[2:] == ["signed", "unknown"]
            proxy.is_broken = proxy.is_mute = False
            await desk.look()
            await desk.look()
            await desk.look(3)
            assert desk.states[2:] == ["signed", "unknown", "sent", "included", "final"]
            assert await _sent_by(arena, desk.account) == 1


@pytest.mark.parametrize(
    ("says", "states"),
    [
        ("too many requests, rate limit reached", ["signed"]),
        ("intrinsic gas too low", ["signed", "dropped"]),
        ("insufficient funds for gas * price + value", ["signed", "dropped"]),
        ("nonce too low", ["signed", "unknown"]),
        ("something else", ["signed", "unknown"]),
    ],
)
async def test_what_a_node_refuses_is_given_up_or_handed_over_again(
    arena: Arena, tmp_path: Path, says: str, states: list[str]
) -> None:
    async with open_proxy(arena.world.http_url) as proxy, HttpEndpoint(proxy.url, CLOCK) as http:
        async with open_desk(arena, tmp_path, trading=Mempool(http)) as desk:
            trade = await _trade(desk)
            proxy.says = says
            await desk.live.send(trade)
            assert desk.states[2:] == states
            proxy.says = None
            await desk.look()
            if states[-1] == "dropped":
                await desk.live.send(await _trade(desk))
            await desk.look(1)
            assert (desk.states[-1], desk.events[-1].nonce) == ("included", 0)


async def test_an_engaged_switch_sends_nothing_more_and_calls_back_what_waits(
    arena: Arena, tmp_path: Path
) -> None:
    async with open_desk(arena, tmp_path) as desk:
        trade = await _trade(desk)
        await desk.live.send(await _trade(desk))
        desk.switch.engage(Engaged(reason="enough", by="command"))
        with pytest.raises(Unsafe, match="engaged by command: enough"):
            await desk.live.send(trade)
        await desk.look()  # before the next block
        await desk.look(3)
        assert desk.events[-1].state == "replaced"
        assert (await desk.receipt(desk.events[-1].tx_hash))["gasUsed"] == hex(21_000)
    async with open_desk(arena, tmp_path, signer=desk.signer) as again:
        with pytest.raises(Unsafe, match="engaged by command: enough"):
            await again.live.send(trade)
        again.switch.release()
        await again.live.send(await _trade(again))


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (structs.replace(STOP, daily_loss_max_wei=1), "lost"),
        (structs.replace(STOP, head_age_max_ms=1), "old"),
    ],
)
async def test_a_limit_engages_the_switch(
    arena: Arena, tmp_path: Path, limits: StopLimits, reason: str
) -> None:
    async with open_desk(arena, tmp_path, stop=limits) as desk:
        if reason == "lost":
            trade = await _trade(desk, keeps_percent=100)
            await _take_away(desk, trade)
            await desk.live.send(trade)
            await desk.look(1)
        engaged = desk.switch.engaged
        assert engaged is not None
        assert (engaged.by, reason in engaged.reason) == ("limits", True)
        assert msgspec.json.decode(desk.switch.file.read_bytes(), type=Engaged) == engaged
        with pytest.raises(Unsafe):
            await desk.live.send(await _trade(desk))
