"""LIVE: a signal in, its transaction in the node's hands; simulated, signed, on the disk twice in between.

The node is the sandbox's, on the same cores, over loopback; the signer is a key in memory. Before it is sent
the ledger forces to disk that the trade was asked for, and what was signed; what follows is left out.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from tests.execute.arena import Arena, open_arena
from tests.execute.live_desk import CLOCK, Desk, open_desk

from benchmarks.row import Row
from tidemill.core.http import HttpEndpoint
from tidemill.execute.account.transaction import Signed
from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.sending.mempool import Mempool
from tidemill.execute.sending.submitting import Blocks, NotTaken, Taken

_TRADES = 60
_WARM = 5
_AMOUNT = 100 * 10**6
"""USDC: so little that every one finds the gap still open."""


class _Stopwatch(Mempool):
    """The public mempool, which notes when the node has answered."""

    def __init__(self, http: HttpEndpoint) -> None:
        super().__init__(http)
        self.done_s = 0.0

    async def submit(self, signed: Signed, blocks: Blocks) -> Taken | NotTaken:
        answer = await super().submit(signed, blocks)
        self.done_s = time.perf_counter()
        return answer


def run() -> list[Row]:
    """Send trades one after the other."""
    return asyncio.run(_run())


async def _run() -> list[Row]:
    async with open_arena() as arena, HttpEndpoint(arena.world.http_url, CLOCK) as http:
        with tempfile.TemporaryDirectory() as folder:
            way = _Stopwatch(http)
            async with open_desk(arena, Path(folder), trading=way) as desk:
                took_ms = await _sent(arena, desk, way)
    took_ms.sort()
    p99_ms = took_ms[int(len(took_ms) * 0.99)]
    note = f"p99 {p99_ms:.1f} ms, fastest {took_ms[0]:.1f} ms; {len(took_ms)} trades"
    what = "LIVE: signal in, transaction handed to the node, p50"
    return [Row(what, statistics.median(took_ms), "ms", 5.0, "lower", note)]


async def _sent(arena: Arena, desk: Desk, way: _Stopwatch) -> list[float]:
    hops = await desk.gap(400 * 10**18)
    took_ms: list[float] = []
    for _ in range(_TRADES):
        head = await desk.simulator.follow()
        await desk.live.look_once()
        began_s = time.perf_counter()
        trade = await desk.trade(hops, LoanSource.MORPHO, amount=_AMOUNT, head=head)
        await desk.live.send(trade)
        took_ms.append((way.done_s - began_s) * 1_000)
        await arena.rpc.call("evm_mine")
    return took_ms[_WARM:]
