"""Gas of a swap in Aerodrome's pools, through its own router: what the search takes a hop of their kind for.

The contracts are compiled as their repository does (optimised for 200 runs) from sources that a package
carries. A swap is one transaction, the transaction's own gas taken off, in a pool that was traded before and
whose half hour between two observations is not over. A thousand amounts are asked of each pool's own
`getAmountOut`, too, and must be ours.
"""

import asyncio
import json
import subprocess
import tempfile
from random import Random
from typing import Any

from benchmarks.peer import installed_npm
from benchmarks.row import Row
from tidemill._rust import PoolError, SolidlyPool
from tidemill.sandbox import abi
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.sandbox.site import FEES
from tidemill.sandbox.world import Address, World

_SOURCES = "sphere-mezo-solidity-files/domains/aerodrome/contracts"
_CONTRACTS = {
    "Pool": f"{_SOURCES}/Pool.sol",
    "PoolFactory": f"{_SOURCES}/factories/PoolFactory.sol",
    "FactoryRegistry": f"{_SOURCES}/factories/FactoryRegistry.sol",
    "Router": f"{_SOURCES}/Router.sol",
}
_SWAP = "swapExactTokensForTokens(uint256,uint256,(address,address,bool,address)[],address,uint256)"
_TRANSACTION_GAS = 21_000
_TABLE_GAS = 165_000
"""What `GasTable::MEASURED` has, a stable pool's: the dearer kind stands for both."""
_AMOUNTS = 1_000
_LEFT = {False: 9_970, True: 9_995}
"""Of ten thousand units paid in, what a new factory's fee leaves in a volatile pool and in a stable one."""
_NOBODY = "0x" + 40 * "0"


def run() -> list[Row]:
    """Swap in a volatile and in a stable pool."""
    return asyncio.run(_run())


async def _run() -> list[Row]:
    codes = await asyncio.to_thread(_compiled)
    async with open_world() as world, Rpc(world.http_url) as rpc:
        chain = _Chain(rpc, world)
        implementation = await chain.create(codes["Pool"])
        factory = await chain.create(codes["PoolFactory"] + abi.arguments(["address"], implementation))
        deployer = world.accounts.deployer
        registered = abi.arguments(["address"] * 4, factory, deployer, deployer, deployer)
        registry = await chain.create(codes["FactoryRegistry"] + registered)
        routing = abi.arguments(["address"] * 5, _NOBODY, registry, factory, deployer, world.weth)
        router = await chain.create(codes["Router"] + routing)
        return [await _measured(chain, factory, router, is_stable=is_stable) for is_stable in (False, True)]


class _Chain:
    """Transactions of the deployer, each mined alone."""

    def __init__(self, rpc: Rpc, world: World) -> None:
        self.rpc = rpc
        self.world = world

    async def send(self, to: Address | None, data: str) -> dict[str, Any]:
        """Return the receipt of a transaction that succeeded."""
        fields = {"from": self.world.accounts.deployer, "data": data, "gas": hex(16_000_000), **FEES}
        digest = await self.rpc.call("eth_sendTransaction", fields if to is None else fields | {"to": to})
        await self.rpc.call("evm_mine")
        receipt = await self.rpc.call("eth_getTransactionReceipt", digest)
        if receipt is None or receipt["status"] != "0x1":
            raise RuntimeError(f"expected a transaction to {to} to succeed, found {receipt}")
        return receipt

    async def create(self, code: str) -> Address:
        """Return where a contract was created."""
        return (await self.send(None, f"0x{code}"))["contractAddress"]

    async def ask(self, to: Address, data: str, types: list[str]) -> tuple[Any, ...]:
        """Return what a view answers."""
        return abi.decode(types, await self.rpc.call("eth_call", {"to": to, "data": data}, "latest"))


async def _measured(chain: _Chain, factory: Address, router: Address, *, is_stable: bool) -> Row:
    tokens = [chain.world.token(symbol) for symbol in ("USDC", "DAI" if is_stable else "WETH")]
    tokens.sort(key=lambda token: int(token.address, 16))
    first, second = (token.address for token in tokens)
    create = abi.call("createPool(address,address,bool)", first, second, is_stable)
    await chain.send(factory, create)
    asked = abi.call("getPool(address,address,bool)", first, second, is_stable)
    (pool,) = await chain.ask(factory, asked, ["address"])
    deployer, depth_usd = chain.world.accounts.deployer, 2_000_000
    # a stable pool's first deposit must be equal
    prices = [1 if is_stable else token.start_price_usd for token in tokens]
    held = [int(depth_usd / price) * 10**token.decimals for token, price in zip(tokens, prices, strict=True)]
    for token, size in zip(tokens, held, strict=True):
        if token.address == chain.world.weth:
            await chain.rpc.call("anvil_setBalance", deployer, hex(10**24))
            await _wrapped(chain, 2 * size)
        else:
            await chain.send(token.address, abi.flat_call("mint(address,uint256)", deployer, 2 * size))
        await chain.send(token.address, abi.flat_call("transfer(address,uint256)", pool, size))
        await chain.send(token.address, abi.flat_call("approve(address,uint256)", router, abi.MAX_UINT256))
    await chain.send(pool, abi.flat_call("mint(address)", deployer))
    gas = 0
    for _ in range(3):  # the last one's slots were all written before
        way = [(first, second, is_stable, factory)]
        receipt = await chain.send(router, abi.call(_SWAP, held[0] // 1_000, 0, way, deployer, 2**40))
        gas = int(receipt["gasUsed"], 16) - _TRANSACTION_GAS
    await _compare(chain, pool, is_stable=is_stable)
    kind = "stable" if is_stable else "volatile"
    limit = _TABLE_GAS * 1.02
    note = f"the search takes {_TABLE_GAS:,}; {_AMOUNTS:,} quotes of the pool's own equal ours"
    return Row(f"gas of a swap in Aerodrome's {kind} pool", gas, "gas", limit, "lower", note)


async def _wrapped(chain: _Chain, size: int) -> None:
    fields = {"from": chain.world.accounts.deployer, "to": chain.world.weth, "value": hex(size), **FEES}
    await chain.rpc.call("eth_sendTransaction", fields | {"data": abi.flat_call("deposit()")})
    await chain.rpc.call("evm_mine")


async def _compare(chain: _Chain, pool: Address, *, is_stable: bool) -> None:
    """Compare the pool's quotes with ours. Raises: RuntimeError where one differs."""
    described = await chain.ask(
        pool, abi.flat_call("metadata()"), ["uint256"] * 4 + ["bool", "address", "address"]
    )
    scales, reserves, (first, second) = described[:2], described[2:4], described[5:]
    ours = SolidlyPool(
        rules="velodrome",
        is_stable=is_stable,
        decimals=(len(str(scales[0])) - 1, len(str(scales[1])) - 1),
        reserves=reserves,
        fee_numerator=_LEFT[is_stable],
    )
    dice = Random(pool)
    sold = [(dice.random() < 0.5, int(10 ** dice.uniform(3, 30)) + 1) for _ in range(_AMOUNTS)]
    calls = [
        Call("eth_call", [{"to": pool, "data": data}, "latest"])
        for zero_for_one, size in sold
        for data in [abi.flat_call("getAmountOut(uint256,address)", size, first if zero_for_one else second)]
    ]
    answers = await chain.rpc.each(calls)
    told = [int(answer, 16) if isinstance(answer, str) else None for answer in answers]
    found = [_foretold(ours, zero_for_one, size) for zero_for_one, size in sold]
    if told != found:
        (index, *_) = (index for index in range(_AMOUNTS) if told[index] != found[index])
        raise RuntimeError(f"{sold[index]}: expected the pool's own {told[index]}, found {found[index]}")


def _foretold(pool: SolidlyPool, zero_for_one: bool, size: int) -> int | None:
    try:
        return pool.amount_out(zero_for_one, size)
    except PoolError:
        return None


def _compiled() -> dict[str, str]:
    """Return creation code as hex by the contracts' names."""
    modules = installed_npm("aerodrome")
    question = {
        "language": "Solidity",
        "sources": {path: {"content": (modules / path).read_text()} for path in _CONTRACTS.values()},
        "settings": {
            "optimizer": {"enabled": True, "runs": 200},
            "evmVersion": "paris",
            "outputSelection": {path: {name: ["evm.bytecode.object"]} for name, path in _CONTRACTS.items()},
        },
    }
    command = ["node", str(modules / "solc/solc.js"), "--standard-json", "--base-path", str(modules)]
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as answer:
        # Files, for it takes a pipe that is not full yet for an end, and ends before one has taken all.
        asked.write(json.dumps(question).encode())
        asked.seek(0)
        subprocess.run(command, stdin=asked, stdout=answer, check=True)
        answer.seek(0)
        told = json.loads(answer.read().partition(b"\n")[2])
    try:
        return {
            name: told["contracts"][path][name]["evm"]["bytecode"]["object"]
            for name, path in _CONTRACTS.items()
        }
    except KeyError as error:
        raise RuntimeError(f"expected compiled contracts, found {told.get('errors')}") from error
