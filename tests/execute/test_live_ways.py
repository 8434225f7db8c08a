"""Does each way of handing a transaction over reach a block, and end where the relay does not include it?"""

from pathlib import Path

import pytest
from tests.execute.arena import Arena
from tests.execute.live_desk import CLOCK, open_desk
from tests.execute.relay_server import is_signed, run_relay

from tidemill.core.http import HttpEndpoint
from tidemill.execute.account.signer import KeySigner
from tidemill.execute.live.live_config import LiveChainConfig, Way
from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.sending.flashbots import FlashbotsBundle
from tidemill.execute.sending.mempool import Mempool
from tidemill.execute.sending.submitting import spelled
from tidemill.execute.sending.ways import open_way
from tidemill.schema.faults import Refused

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]
AMOUNT = 2_000 * 10**6
METHODS = {
    Way.FLASHBOTS: "eth_sendBundle",
    Way.PROTECT: "eth_sendPrivateTransaction",
    Way.MEV_SHARE: "mev_sendBundle",
}


@pytest.mark.parametrize("way", list(METHODS))
async def test_a_relay_knows_who_asks_and_includes_what_nobody_else_saw(
    arena: Arena, tmp_path: Path, way: Way
) -> None:
    async with run_relay(arena.world.http_url) as relay, HttpEndpoint(arena.world.http_url, CLOCK) as node:
        async with open_way(LiveChainConfig(way=way, url=relay.url), node, CLOCK) as trading:
            assert trading.is_private
            async with open_desk(arena, tmp_path, trading=trading) as desk:
                trade = await desk.trade(await desk.gap(), LoanSource.MORPHO, amount=AMOUNT)
                sent = await desk.live.send(trade)
                assert set(relay.methods) == {METHODS[way]}
                digest = "0x" + (sent.tx_hash or b"").hex()
                assert await arena.rpc.call("eth_getTransactionByHash", digest) is None
                await relay.build()
                await desk.look()
                await desk.look(2)
                assert desk.states[2:] == ["signed", "sent", "included", "final"]
                assert desk.events[-1].realised_profit == trade.simulated.profit


async def test_what_a_relay_never_includes_is_dropped_after_its_last_block_and_its_nonce_is_free(
    arena: Arena, tmp_path: Path
) -> None:
    async with run_relay(arena.world.http_url) as relay, HttpEndpoint(relay.url, CLOCK) as http:
        relay.is_deaf = True
        way = FlashbotsBundle(http, KeySigner.made())
        async with open_desk(arena, tmp_path, trading=way) as desk:
            hops = await desk.gap()
            await desk.live.send(await desk.trade(hops, LoanSource.MORPHO, amount=AMOUNT, blocks=4))
            await desk.look(3)
            assert desk.states[-1] == "sent"
            asked = {first for first, _, _ in relay.bundles}
            await desk.look(1)
            assert desk.states[2:] == ["signed", "sent", "dropped"]
            last = desk.events[0].simulated_block or max(asked)
            assert asked == set(range(min(asked), last + 1))  # each block until the last was asked for
            relay.is_deaf = False
            await desk.live.send(await desk.trade(hops, LoanSource.MORPHO, amount=AMOUNT))
            await relay.build()
            await desk.look()
            assert (desk.states[-1], desk.events[-1].nonce) == ("included", 0)


async def test_a_relay_that_is_down_leaves_an_outcome_unknown_that_holds_up_the_next(
    arena: Arena, tmp_path: Path
) -> None:
    async with run_relay(arena.world.http_url) as relay, HttpEndpoint(relay.url, CLOCK) as http:
        relay.is_down = True
        async with open_desk(arena, tmp_path, trading=FlashbotsBundle(http, KeySigner.made())) as desk:
            hops = await desk.gap()
            await desk.live.send(await desk.trade(hops, LoanSource.MORPHO, amount=AMOUNT))
            assert desk.states[2:] == ["signed", "unknown"]
            with pytest.raises(Exception, match="holds up what comes after"):
                await desk.live.send(await desk.trade(hops, LoanSource.MORPHO, amount=AMOUNT))
            relay.is_down = False
            await desk.look(1)
            await relay.build()
            await desk.look()
            mine = [one.state for one in desk.events if one.nonce == 0]
            assert mine == ["signed", "unknown", "sent", "included"]


async def test_a_signature_of_another_body_is_not_taken() -> None:
    key, body = KeySigner.made(), spelled("eth_sendBundle", [])
    forged = f"0x{key.address.hex()}:0x{key.sign_text('0x00').hex()}"
    assert not is_signed(forged, body)


async def test_a_way_is_what_the_settings_name() -> None:
    async with HttpEndpoint("http://127.0.0.1:1/", CLOCK) as node:
        async with open_way(LiveChainConfig(), node, CLOCK) as way:
            assert (type(way), way.is_private) == (Mempool, False)
        protected = LiveChainConfig(way=Way.PROTECTED_NODE, url="http://127.0.0.1:1/")
        async with open_way(protected, node, CLOCK) as way:
            assert way.is_private
        with pytest.raises(Refused, match="expected the address of the relay"):
            async with open_way(LiveChainConfig(way=Way.FLASHBOTS), node, CLOCK):
                pass
