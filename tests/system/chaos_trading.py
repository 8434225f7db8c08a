"""`tidemill execute` that trades live, is killed at the worst moments, and is started again each time."""

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from tests.app.until import until
from tests.execute.arena import Arena
from tests.execute.desk_room import circle_body
from tests.execute.live_desk import funded
from tests.execute.node_proxy import NodeProxy, open_proxy
from tests.servers.programs import free_port

from tidemill.execute.account.signer import KeySigner
from tidemill.execute.plan.kinds import LoanSource
from tidemill.sandbox.moves import swap_exact_in
from tidemill.sandbox.rpc import RpcError
from tidemill.sandbox.site import FEES
from tidemill.schema.faults import Refused

from .program import start

_SIGNAL_EVERY_S = 0.3
_LIFE_S = (2.0, 8.0)
_DIES_ONE_IN = 4
"""Transactions handed over, at each of both moments: before the node has it, and after."""
_UNSENT, _UNTOLD = "signed, not sent", "sent, not told"
_SOLD = 100 * 10**18
"""WETH, to make a gap."""


def execution_section(arena: Arena, node_url: str, final_blocks: int) -> str:
    """Return the settings that trade on the arena by `node_url`."""
    usdc = f'{{ address = "0x{arena.token("USDC").hex()}", decimals = 6, is_dollar = true }}'
    return f"""
[execution]
mode = "LIVE"
executor_address = "{arena.executor}"
[execution.limits]
open_max = 10
trades_a_day_max = 1000000
fee_a_day_max_wei = 90000000000000000000
gas_price_max_wei = 500000000000
[execution.live.stop]
daily_loss_max_wei = 90000000000000000000
[execution.chains.storm]
chain_id = {arena.world.chain_id}
http_url = "{node_url}"
poll_ms = 50
balancer_v2 = "0x{arena.lenders[LoanSource.BALANCER_V2].hex()}"
tokens = [{usdc}]
[execution.chains.storm.live]
final_blocks = {final_blocks}
"""


class Trading:
    """The server, and who sends signals to it."""

    def __init__(self, arena: Arena, folder: Path, dice: random.Random, node: NodeProxy, key: str) -> None:
        self.account = "0x" + KeySigner(key).address.hex()
        self.ends: Counter[str] = Counter()
        """How often it was killed, by when."""
        self.accepted: set[str] = set()
        """The executions that were answered to be under way."""
        self._arena, self._folder, self._dice, self._node = arena, folder, dice, node
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        self._env = {"PRIVATE_KEY": key, "EXECUTION_CONFIRM": self.account, "EXECUTION_PORT": str(port)}
        self._process: asyncio.subprocess.Process | None = None
        self._is_deadly = True
        node.takes_transaction = lambda: not self._dies(_UNSENT)
        node.took_transaction = lambda: self._dies(_UNTOLD)

    @property
    def is_tried(self) -> bool:
        """Whether trades went through, and it was killed at both moments of one."""
        return bool(self.accepted and self.ends[_UNSENT] and self.ends[_UNTOLD])

    def _dies(self, moment: str) -> bool:
        """Kill it at this moment, or do not; say whether."""
        dies = self._is_deadly and self._dice.randrange(_DIES_ONE_IN) == 0
        if dies:
            self._kill(moment)
        return dies

    def _kill(self, moment: str) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            self.ends[moment] += 1

    async def run(self) -> None:
        """Trade and be killed until cancelled, then stop in order."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_running(), name="execution server")
            tasks.create_task(self._signal(), name="signals")
            tasks.create_task(self._kill_at_random(), name="kills")

    async def _keep_running(self) -> None:
        while True:
            self._process = await start(self._folder, ("execute",), self._env)
            try:
                _, complaint = await self._process.communicate()
            finally:
                if self._process.returncode is None:
                    self._process.kill()
            assert b"Traceback" not in complaint, complaint.decode()[-3_000:]
            if self._process.returncode != -9:
                self.ends["did not start"] += 1  # in the middle of a reorg the node knows no latest block
                print(f"execute ended by {self._process.returncode}: {complaint.decode()[-500:]}")

    async def _kill_at_random(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                await until(lambda: self._answers(session), 120)  # a busy machine takes long to start it
                await asyncio.sleep(self._dice.uniform(*_LIFE_S))
                self._kill("at random")

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self._url}/health") as answer:
                return answer.status == 200
        except aiohttp.ClientConnectionError:
            return False

    async def _signal(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            for number in range(1_000_000):
                await asyncio.sleep(_SIGNAL_EVERY_S)
                await self._send(session, f"signal {number}")

    async def _send(self, session: aiohttp.ClientSession, key: str) -> bool:
        """Send a signal; where there is nothing to gain, make something for the next one."""
        body = circle_body(self._arena, idempotency_key=key)
        try:
            async with session.post(f"{self._url}/execute", json=body) as answer:
                told = await answer.json()
        except (aiohttp.ClientError, TimeoutError):
            return False  # it is dead, or dies now: what it began it goes on with
        if told["success"]:
            self.accepted.add(told["execution_id"])
        else:
            await self._make_gap()
        return told["success"]

    async def _make_gap(self) -> None:
        """Make WETH cheap at Uniswap V2 with the next block."""
        pool = self._arena.pool("uniswap", "uniswap_v2", ("WETH", "USDC"))
        trader, weth = self._arena.world.accounts.traders[0], self._arena.world.weth
        data = swap_exact_in(pool, zero_for_one=pool.token0 == weth, size_in=_SOLD, recipient=trader)
        factory = next(
            one for one in self._arena.world.factories if (one.dex, one.protocol) == (pool.dex, pool.protocol)
        )
        transaction: dict[str, Any] = {"from": trader, "to": factory.router, "data": data, "gas": "0x4c4b40"}
        try:
            await self._arena.rpc.call("eth_sendTransaction", transaction | FEES)
        except (Refused, RpcError):
            return  # in the middle of a reorg; or another of this trader's came first

    async def settle(self) -> None:
        """Run it without kills until a last trade went through and all are settled, then stop it in order."""
        self._is_deadly = False
        process = await start(self._folder, ("execute",), self._env)
        ending = asyncio.ensure_future(process.communicate())
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
                numbers = count()

                async def is_going_on() -> bool:
                    assert not ending.done(), ending.result()
                    await self._arena.rpc.call("evm_mine")
                    return await self._send(session, f"after it {next(numbers)}")

                async def is_settled() -> bool:
                    assert not ending.done(), ending.result()
                    await self._arena.rpc.call("evm_mine")
                    try:
                        async with session.get(f"{self._url}/limits") as answer:
                            [limits] = await answer.json()
                    except (aiohttp.ClientConnectionError, TimeoutError):
                        return False
                    return limits["open"] == 0

                await until(is_going_on, 120)
                await until(is_settled, 120)
            process.terminate()
            async with asyncio.timeout(20):
                _, complaint = await ending
        finally:
            if process.returncode is None:
                process.kill()
            await asyncio.gather(ending, return_exceptions=True)
        assert process.returncode == 0, complaint.decode()[-3_000:]


@asynccontextmanager
async def trading_live(
    arena: Arena, folder: Path, dice: random.Random, final_blocks: int
) -> AsyncIterator[Trading]:
    """Have `folder`'s settings trade on the arena; nothing runs yet."""
    key = secrets.token_hex(32)
    await funded(arena, KeySigner(key))
    async with open_proxy(arena.world.http_url) as node:
        with (folder / "tidemill.toml").open("a") as settings:
            settings.write(execution_section(arena, node.url, final_blocks))
        yield Trading(arena, folder, dice, node, key)
