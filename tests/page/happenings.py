"""What has happened on the page's program before anybody looks: trades on paper, and a whale's."""

import asyncio
import json
from typing import Any

import aiohttp
from tests.app.order_fills import MAKER, TRADE, UNIT, WHALE
from tests.app.until import until
from tests.execute.arena import Arena, bytes_of
from tests.execute.desk_room import circle_body, gap_body

from tidemill.execute.plan.kinds import LoanSource
from tidemill.sandbox import abi
from tidemill.sandbox.install import default_folder
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.vyper_code import compiled_code
from tidemill.sandbox.world import World

FILLED = 4
"""Trades on paper that gain."""
_AMOUNT_MAX = 30_000 * UNIT
_GAS = hex(5_000_000)


class Stage:
    """The world, with an exchange on it whose fills wallets are known by."""

    def __init__(self, world: World, rpc: Rpc, exchange: str) -> None:
        self.arena = Arena(world, rpc, executor="", owner="", operator="", lenders={})
        vault = self.arena.further("balancer_v2_weighted", ("WETH", "USDC")).vault
        assert vault is not None
        self.arena.lenders[LoanSource.BALANCER_V2] = bytes_of(vault)
        self._exchange = exchange

    def settings(self, port: int) -> str:
        """Return what is set of execution, each limit among it."""
        routers = json.dumps(circle_body(self.arena)["routers"])
        usdc = f"0x{self.arena.token('USDC').hex()}"
        world = self.arena.world
        return f"""
[execution]
enabled = true
port = {port}
[execution.limits]
slippage_max_bps = 2500
open_max = 20
trades_a_day_max = 1000
fee_a_day_max_wei = 5000000000000000001
gas_price_max_wei = 900000000007
only_listed_tokens = true
[execution.chains.sandbox]
chain_id = {world.chain_id}
http_url = "{world.http_url}"
poll_ms = 20
allowed_routers = {routers}
[[execution.chains.sandbox.tokens]]
address = "{usdc}"
decimals = 6
is_dollar = true
amount_max = "{_AMOUNT_MAX}"
amount_a_day_max = "900000000000000001"
"""

    @property
    def exchange_toml(self) -> str:
        """Return the lines of the chain's section that have its fills read."""
        contract = f'address = "{self._exchange}", name = "ctf_exchange_v2", venue = "polymarket"'
        return f"exchange_contracts = [{{ {contract} }}]\n"

    async def trade_on_paper(self, url: str, headers: dict[str, str]) -> None:
        """Have trades carried out that gain, and one refused, until all are judged."""
        body = await gap_body(self.arena)
        async with aiohttp.ClientSession(headers=headers) as session:

            async def execute(**changes: Any) -> dict[str, Any]:
                async with session.post(url + "/execute", json=body | changes) as answer:
                    return await answer.json()

            async def is_gap_seen() -> bool:
                async with session.post(url + "/simulate", json=body) as answer:
                    return (await answer.json())["success"]

            async def are_judged() -> bool:
                await self.arena.rpc.call("evm_mine")
                async with session.get(url + "/stats") as answer:
                    return (await answer.json())["paper_filled"] == FILLED

            await until(is_gap_seen, 120)
            for number in range(FILLED):
                told = await execute(idempotency_key=f"trade {number}", amount=str((20_000 + number) * UNIT))
                assert told["success"], told
            refused = await execute(idempotency_key="too much", amount=str(2 * _AMOUNT_MAX))
            assert "above the limit of one trade" in refused["error"]
            await until(are_judged, 120)

    async def trade_as_whale(self) -> None:
        """Have the whale buy three times and sell all of it, dearer, then buy again."""
        for size, is_bought, amount in ((100, 1, 50), (60, 1, 30), (40, 1, 20), (200, 0, 130), (7, 1, 4)):
            data = abi.flat_call(TRADE, MAKER, WHALE, is_bought, 77, size * UNIT, amount * UNIT)
            await self.arena.send(self.arena.world.accounts.deployer, self._exchange, data)


async def stage_on(world: World, rpc: Rpc) -> Stage:
    """Put the exchange on the world."""
    code = await asyncio.to_thread(compiled_code, default_folder(), "OrderFillHand")
    sent = {"from": world.accounts.deployer, "data": code, "gas": _GAS}
    tx_hash = await rpc.call("eth_sendTransaction", sent)
    await rpc.call("evm_mine")
    receipt = await rpc.call("eth_getTransactionReceipt", tx_hash)
    return Stage(world, rpc, receipt["contractAddress"])
