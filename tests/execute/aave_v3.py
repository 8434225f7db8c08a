"""Aave V3's pool on a local chain, with one reserve: the package's own bytecode, linked here."""

import fcntl
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from tests.execute.late_site import LateSite

from tidemill.sandbox import abi
from tidemill.sandbox.install import default_folder
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import Token, World

FOLDER = Path(__file__).parent / "aave_v3_contracts"
PREMIUM_BPS = 5
_NPM_FLAGS = ("--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--loglevel=error")
_NOBODY = "0x" + 40 * "0"
_LOGIC = (
    "SupplyLogic",
    "BorrowLogic",
    "LiquidationLogic",
    "EModeLogic",
    "BridgeLogic",
    "PoolLogic",
    "ConfiguratorLogic",
    "FlashLoanLogic",
)
"""In an order in which each finds what it links."""
_FILES = {
    **{name: f"libraries/logic/{name}" for name in _LOGIC},
    "PoolAddressesProvider": "configuration/PoolAddressesProvider",
    "ACLManager": "configuration/ACLManager",
    "Pool": "pool/Pool",
    "PoolConfigurator": "pool/PoolConfigurator",
    "DefaultReserveInterestRateStrategy": "pool/DefaultReserveInterestRateStrategy",
    "AToken": "tokenization/AToken",
    "StableDebtToken": "tokenization/StableDebtToken",
    "VariableDebtToken": "tokenization/VariableDebtToken",
}
_RAY = 10**27
_RESERVE = (
    "initReserves((address,address,address,uint8,address,address,address,address,"
    "string,string,string,string,string,string,bytes)[])"
)

Artifact = dict[str, Any]


async def deploy(world: World, rpc: Rpc, token: Token, supplied: int) -> str:
    """Return the pool, of whose one reserve the provider has supplied so much."""
    site = LateSite(rpc, world.accounts.deployer, {})
    await site.begin()
    artifacts = _artifacts()
    made: dict[str, str] = {}
    for name in _LOGIC:
        made[name] = site.create_code(_linked(artifacts[name], made), [])

    def create(name: str, types: list[str], *values: object) -> str:
        return site.create_code(_linked(artifacts[name], made), types, *values)

    deployer = world.accounts.deployer
    provider = create("PoolAddressesProvider", ["string", "address"], "sandbox", deployer)
    site.send(provider, abi.flat_call("setACLAdmin(address)", deployer))
    acl = create("ACLManager", ["address"], provider)
    site.send(provider, abi.flat_call("setACLManager(address)", acl))
    site.send(acl, abi.flat_call("addPoolAdmin(address)", deployer))
    site.send(provider, abi.flat_call("setPoolImpl(address)", create("Pool", ["address"], provider)))
    configurator_code = create("PoolConfigurator", [])
    site.send(provider, abi.flat_call("setPoolConfiguratorImpl(address)", configurator_code))
    await site.mine()
    pool, configurator = [
        await _asked(rpc, provider, f"get{name}()") for name in ("Pool", "PoolConfigurator")
    ]

    rates = (_RAY * 8 // 10, 0, _RAY // 20, _RAY * 3 // 4, _RAY // 20, _RAY * 3 // 4, _RAY // 50, _RAY // 20)
    strategy = create(
        "DefaultReserveInterestRateStrategy", ["address"] + 9 * ["uint256"], provider, *rates, _RAY // 5
    )
    coins = [create(name, ["address"], pool) for name in ("AToken", "StableDebtToken", "VariableDebtToken")]
    accounts = (strategy, token.address, deployer, _NOBODY)
    names = ("aToken", "a", "variable", "v", "stable", "s")
    site.send(configurator, abi.call(_RESERVE, [(*coins, token.decimals, *accounts, *names, b"")]))
    flashing = abi.flat_call("setReserveFlashLoaning(address,bool)", token.address, 1)
    site.send(configurator, flashing)
    site.send(configurator, abi.flat_call("updateFlashloanPremiumTotal(uint128)", PREMIUM_BPS))
    site.send(token.address, abi.flat_call("mint(address,uint256)", deployer, supplied))
    site.send(token.address, abi.flat_call("approve(address,uint256)", pool, supplied))
    supply = "supply(address,uint256,address,uint16)"
    site.send(pool, abi.flat_call(supply, token.address, supplied, deployer, 0))
    await site.mine()
    return pool


async def _asked(rpc: Rpc, contract: str, view: str) -> str:
    answer = await rpc.call("eth_call", {"to": contract, "data": abi.flat_call(view)}, "latest")
    return "0x" + answer[-40:]


def _linked(artifact: Artifact, made: dict[str, str]) -> str:
    """Return creation code with the addresses of the libraries that it calls."""
    code = artifact["bytecode"]
    for libraries in artifact["linkReferences"].values():
        for name, places in libraries.items():
            for place in places:
                at = 2 + 2 * place["start"]
                code = code[:at] + made[name][2:] + code[at + 40 :]
    return code


def _artifacts() -> dict[str, Artifact]:
    """Return the contracts' artifacts; the first call installs the package: some seconds."""
    digest = abi.digest((FOLDER / "package-lock.json").read_bytes())[2:18]
    kept = default_folder() / f"aave_v3-{digest}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            partial = kept.with_suffix(".partial")
            partial.write_bytes(msgspec.json.encode(_installed()))
            partial.rename(kept)
    return msgspec.json.decode(kept.read_bytes())


def _installed() -> dict[str, Artifact]:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            (Path(folder) / name).write_bytes((FOLDER / name).read_bytes())
        subprocess.run(["npm", "ci", *_NPM_FLAGS], cwd=folder, check=True, capture_output=True, timeout=300)
        found: dict[str, Artifact] = {}
        for name, path in _FILES.items():
            file = Path(folder, "node_modules/@aave/core-v3/artifacts/contracts/protocol", f"{path}.sol")
            artifact = msgspec.json.decode((file / f"{name}.json").read_bytes())
            found[name] = {key: artifact[key] for key in ("bytecode", "linkReferences")}
    return found
