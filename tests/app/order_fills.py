"""A local node with a contract that says that orders were filled, and `up`'s engine that reads it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tidemill.app.engine import Engine
from tidemill.app.settings import Environment, read_settings
from tidemill.chains.evm.config import EvmConfig, ExchangeConfig
from tidemill.sandbox import abi
from tidemill.sandbox.install import default_folder, ensure_packages
from tidemill.sandbox.node import Node, run_node
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.vyper_code import compiled_code
from tidemill.schema import derive
from tidemill.store.registry import open_registry

from .running import running_engine

WHALE, OTHER, MAKER = ("0x" + digit * 40 for digit in "abc")
TRADE = "trade(address,address,bool,uint256,uint256,uint256)"
UNIT = 1_000_000


class Venue:
    """The contract, and who asks it to trade."""

    def __init__(self, node: Node, rpc: Rpc, sender: str, address: str) -> None:
        self.node = node
        self.rpc = rpc
        self.address = address
        self._sender = sender

    async def trade(self, wallet: str, size: int = 100, *, is_mined: bool = True) -> str:
        """Have a wallet buy from the maker at 0.5, in a block of its own; return the transaction's hash."""
        data = abi.flat_call(TRADE, MAKER, wallet, 1, 77, size * UNIT, size * UNIT // 2)
        fields = {"from": self._sender, "to": self.address, "data": data, "gas": hex(1_000_000)}
        tx_hash = await self.rpc.call("eth_sendTransaction", fields)
        if is_mined:
            await self.mine()
        return tx_hash

    async def reorg(self, depth: int) -> None:
        await self.rpc.call("anvil_reorg", depth, [])

    async def mine(self, blocks: int = 1) -> None:
        await self.rpc.call("anvil_mine", hex(blocks))

    @property
    def config(self) -> EvmConfig:
        """Return the settings that read it."""
        contract = ExchangeConfig(address=self.address, name="ctf_exchange_v2", venue="polymarket")
        return EvmConfig(
            source="polygon",
            chain_id=self.node.chain_id,
            ws_url=self.node.ws_url,
            http_url=self.node.http_url,
            start_block=0,
            exchange_contracts=(contract,),
        )


@asynccontextmanager
async def trading() -> AsyncIterator[Venue]:
    """Run a node that mines when told, with the contract on it."""
    modules = await asyncio.to_thread(ensure_packages)
    code = await asyncio.to_thread(compiled_code, default_folder(), "OrderFillHand")
    async with run_node(modules) as node, Rpc(node.http_url) as rpc:
        [sender, *_] = await rpc.call("eth_accounts")
        tx_hash = await rpc.call("eth_sendTransaction", {"from": sender, "data": code, "gas": hex(5_000_000)})
        await rpc.call("anvil_mine", "0x1")
        receipt = await rpc.call("eth_getTransactionReceipt", tx_hash)
        yield Venue(node, rpc, sender, receipt["contractAddress"])


def environment_in(folder: Path, **whale: Any) -> Environment:
    """Return an environment whose registry has the whale."""
    environment = read_settings(None, folder / "data", {})
    environment.paths.data.mkdir(parents=True, exist_ok=True)
    with open_registry(environment.registry_url) as registry:
        registry.put([{"address": WHALE, **whale}])
    return environment


@asynccontextmanager
async def reading(
    environment: Environment, venue: Venue, *, start_block: Any = 0, **more: Any
) -> AsyncIterator[Engine]:
    """Run the engine on the venue's chain."""
    config = msgspec.structs.replace(venue.config, tick_ms=10, start_block=start_block)
    async with running_engine(environment, {"polygon": config}, **more) as engine:
        yield engine


async def told(engine: Engine, topic: str) -> list[dict[str, Any]]:
    """Return all rows of a topic on the bus."""
    head = await engine.bus.head(topic)
    entries = [] if not head else await engine.bus.read(topic, 0, batches_max=10_000)
    return [row for entry in entries for row in derive.to_rows(topic, entry.batch)]
