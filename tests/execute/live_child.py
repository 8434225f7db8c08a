"""A process that trades live until it is done, or killed where it is told to be."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec
from msgspec import Struct
from tests.execute.live_desk import CLOCK, signal_of_route, terms_for

from tidemill.core.http import HttpEndpoint
from tidemill.execute.account.signer import KeySigner
from tidemill.execute.account.transaction import Signed
from tidemill.execute.ledger import Ledger, open_ledger
from tidemill.execute.live.kill_switch import KillSwitch
from tidemill.execute.plan.route_codec import decode
from tidemill.execute.sending.live import LiveSending
from tidemill.execute.sending.live_terms import Ways
from tidemill.execute.sending.mempool import Mempool
from tidemill.execute.sending.submitting import Blocks, NotTaken, Taken
from tidemill.execute.simulation.simulation import Method, Simulation
from tidemill.execute.trade import Simulated, Trade, after, first_event, received
from tidemill.sandbox.rpc import Rpc
from tidemill.schema.events import ExecutionMode, ExecutionState


class Orders(Struct):
    """What a child is to do."""

    node_url: str
    data: str
    key: str
    executor: str
    owner: str
    plan: str
    trades: int
    dies_before: int | None = None
    """Handing over this many-th transaction."""
    dies_after: int | None = None


class _Deadly(Mempool):
    """Ends its process at an ordered moment, as a power cut does."""

    def __init__(self, http: HttpEndpoint, orders: Orders) -> None:
        super().__init__(http)
        self._orders = orders
        self._count = 0

    async def submit(self, signed: Signed, blocks: Blocks) -> Taken | NotTaken:
        self._count += 1
        if self._count == self._orders.dies_before:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await super().submit(signed, blocks)
        if self._count == self._orders.dies_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def _trade(orders: Orders, number: int) -> Trade:
    """Return the `number`-th trade: the same one under the same key in every process."""
    planned = decode(bytes.fromhex(orders.plan))
    asked = msgspec.structs.replace(signal_of_route(planned), idempotency_key=f"trade {number}")
    one = received(asked, chain="sandbox", mode=ExecutionMode.LIVE, recv_ns=CLOCK.now_ns(), count=0)
    simulation = Simulation(
        is_success=True,
        gas_used=300_000,
        output=b"",
        revert_reason=None,
        balance_changes=None,
        access_list=None,
        method=Method.IN_PROCESS,
        block_number=0,
        block_hash=bytes(32),
    )
    return Trade(
        received=one,
        route=planned,
        plan=bytes.fromhex(orders.plan),
        simulated=Simulated(simulation=simulation, profit=1),
        gas_price_max_wei=10**12,
        told=after(first_event(one), ExecutionState.SIMULATED, CLOCK.now_ns()),
    )


async def _begin(ledger: Ledger, live: LiveSending, trade: Trade) -> None:
    key = trade.received.signal.idempotency_key
    assert key is not None
    if ledger.answer_to(key) is not None:
        return  # a process before this one began it: it must not be begun twice
    await ledger.tell(first_event(trade.received), trade.told, answer=(key, b"begun"))
    await live.send(trade)


async def _run(orders: Orders) -> None:
    signer = KeySigner(orders.key)
    terms = terms_for(orders.executor, orders.owner, signer, final_blocks=2)
    async with (
        HttpEndpoint(orders.node_url, CLOCK) as node,
        Rpc(orders.node_url) as rpc,
        open_ledger(Path(orders.data), ExecutionMode.LIVE) as ledger,
    ):
        ways = Ways(node=node, trading=_Deadly(node, orders), cancelling=Mempool(node))
        switch = KillSwitch(Path(orders.data))
        live = LiveSending(terms, ways, signer=signer, ledger=ledger, switch=switch, clock=CLOCK)
        print("ready", flush=True)
        await live.take_up(list(ledger.unsettled.values()))
        for number in range(orders.trades):
            await _begin(ledger, live, _trade(orders, number))
            await rpc.call("evm_mine")
            await live.look_once()
        while ledger.unsettled:
            await rpc.call("evm_mine")
            await live.look_once()


if __name__ == "__main__":
    asyncio.run(_run(msgspec.json.decode(sys.stdin.read(), type=Orders)))
