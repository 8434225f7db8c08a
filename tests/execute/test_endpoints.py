"""Does execution go on where one of a chain's endpoints does not, and is nothing sent twice?"""

from pathlib import Path

import pytest
from tests.execute.arena import Arena
from tests.execute.desk_room import gap_body, open_room
from tests.execute.live_desk import CLOCK, open_desk
from tests.execute.node_proxy import open_proxy

from tidemill.execute.endpoints import Endpoints
from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.simulation.forked_state import read_head
from tidemill.sandbox.faults.proxy import fault_proxy
from tidemill.schema.faults import Unreachable

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]
AMOUNT = 2_000 * 10**6
NOBODY = "http://127.0.0.1:1/"


@pytest.mark.parametrize("did_its_work", [True, False])
async def test_an_endpoint_that_breaks_off_in_mid_flight_is_stood_in_for_and_the_trade_goes_once(
    arena: Arena, tmp_path: Path, did_its_work: bool
) -> None:
    async with open_proxy(arena.world.http_url) as first, open_proxy(arena.world.http_url) as second:
        async with open_desk(arena, tmp_path, urls=(first.url, second.url)) as desk:
            trade = await desk.trade(await desk.gap(), LoanSource.MORPHO, amount=AMOUNT)
            assert not second.methods, "who comes first answers"
            first.is_broken, first.is_mute = not did_its_work, did_its_work
            await desk.live.send(trade)
            assert second.methods == ["eth_chainId", "eth_sendRawTransaction"]
            await desk.look(4)
            assert desk.states == ["received", "simulated", "signed", "sent", "included", "final"]
            sent = await arena.rpc.call("eth_getTransactionCount", desk.account, "latest")
            assert (int(sent, 16), desk.events[-1].nonce) == (1, 0)


async def test_paper_judges_by_another_endpoint_where_one_is_away(arena: Arena, tmp_path: Path) -> None:
    body = await gap_body(arena)
    async with (
        fault_proxy(http_url=arena.world.http_url) as proxy,
        open_room(arena, tmp_path, url=proxy.http_url, fallback_urls=(arena.world.http_url,)) as room,
    ):
        assert (await room.execute(body)).is_success
        async with proxy.outage():
            await arena.rpc.call("evm_mine")
            row = await room.until_settled()
            assert (row["state"], row["realised_profit"]) == ("paper_filled", row["simulated_profit"])
            assert (await room.execute(body)).is_success


async def test_who_has_too_many_questions_is_stood_in_for_and_who_answered_is_asked_on(arena: Arena) -> None:
    async with open_proxy(arena.world.http_url) as first, open_proxy(arena.world.http_url) as second:
        async with Endpoints((first.url, second.url), CLOCK, chain_id=31_337) as endpoints:
            first.says = "too many requests, rate limit reached"
            head = await read_head(endpoints, None)
            first.says = None
            assert await read_head(endpoints, head.number) == head
            assert (len(first.methods), len(second.methods)) == (1, 3)
            second.says = "too many requests, rate limit reached"
            assert await read_head(endpoints, head.number) == head
            first.says = second.says
            with pytest.raises(Unreachable, match="too many"):
                await read_head(endpoints, head.number)


async def test_an_endpoint_of_another_chain_never_stands_in(arena: Arena) -> None:
    async with open_proxy(arena.world.http_url) as other:
        async with Endpoints((NOBODY, other.url), CLOCK, chain_id=1) as endpoints:
            for _ in range(2):
                with pytest.raises(Unreachable):  # perhaps the first did its work: that is what is told
                    await read_head(endpoints, None)
            assert set(other.methods) == {"eth_chainId"}
        async with Endpoints((other.url,), CLOCK, chain_id=1) as endpoints:
            assert (await read_head(endpoints, None)).number > 0, "of the first its users ask"
