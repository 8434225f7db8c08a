"""Does PAPER say what LIVE gains, on the same chain with the same competitors?"""

from pathlib import Path

import pytest
from tests.execute.arena import Arena, hop, route
from tests.execute.desk_room import gap_body, open_room
from tests.execute.live_desk import open_desk

from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.plan.route import Hop
from tidemill.execute.plan.route_codec import call_data, encode
from tidemill.sandbox.site import FEES

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]
SOURCE = LoanSource.BALANCER_V2
AMOUNT = 20_000 * 10**6
SHARES_PERCENT = (0, 30, 100, 1_000, 4_000, 10)
"""How much a competitor takes before us in the same block, of what we take: some leave us nothing."""


def _circle(arena: Arena) -> list[Hop]:
    """Return the hops of `gap_body`."""
    usdc, weth, dai = (arena.token(symbol) for symbol in ("USDC", "WETH", "DAI"))
    return [
        hop(arena.pool("uniswap", "uniswap_v2", ("WETH", "USDC")), usdc, weth),
        hop(arena.pool("uniswap", "uniswap_v3", ("WETH", "DAI")), weth, dai),
        hop(arena.pool("uniswap", "uniswap_v3", ("DAI", "USDC")), dai, usdc),
    ]


async def _compete(arena: Arena, share_percent: int) -> None:
    """Have a competitor's transaction wait for the next block, before anything of ours."""
    if share_percent:
        theirs = route(arena.loan(SOURCE, AMOUNT * share_percent // 100), _circle(arena))
        data = "0x" + call_data(encode(theirs)).hex()
        sent = {"from": arena.operator, "to": arena.executor, "data": data, "gas": hex(5_000_000), **FEES}
        await arena.rpc.call("eth_sendTransaction", sent)


async def _on_paper(arena: Arena, data: Path, share_percent: int) -> int | None:
    body = await gap_body(arena)
    async with open_room(arena, data, has_executor=True) as room:
        await _compete(arena, share_percent)
        assert (await room.execute(body)).is_success
        await arena.rpc.call("evm_mine")
        return (await room.until_settled())["realised_profit"]


async def _live(arena: Arena, data: Path, share_percent: int) -> int | None:
    await gap_body(arena)
    async with open_desk(arena, data, final_blocks=1) as desk:
        await _compete(arena, share_percent)
        await desk.live.send(await desk.trade(_circle(arena), SOURCE, amount=AMOUNT, keeps_percent=50))
        await desk.look(1)
        return desk.events[-1].realised_profit


async def test_with_the_same_competitors_paper_says_what_live_gains(arena: Arena, tmp_path: Path) -> None:
    gained: dict[str, list[int | None]] = {"paper": [], "live": []}
    for number, share_percent in enumerate(SHARES_PERCENT):
        for mode, run in (("paper", _on_paper), ("live", _live)):
            snapshot = await arena.rpc.call("evm_snapshot")
            gained[mode].append(await run(arena, tmp_path / mode / str(number), share_percent))
            await arena.rpc.call("evm_revert", snapshot)
    assert [one is None for one in gained["paper"]] == [one is None for one in gained["live"]]
    paper, live = (sum(one or 0 for one in gained[mode]) for mode in ("paper", "live"))
    assert live > 0
    assert abs(paper - live) * 100 <= live
    assert None in gained["live"]  # some of it was taken away
