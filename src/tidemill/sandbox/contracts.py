"""Which package carries which contract's bytecode, and how it is read."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from tidemill._rust import keccak256
from tidemill.schema.faults import Malformed, Unknown

_HARDHAT = "artifacts/contracts/{0}.sol/{1}.json"
_V4 = "@uniswap/v4-periphery/foundry-out/{0}.sol/{1}.json"
_BALANCER_V2 = "@balancer-labs/v2-deployments/dist/tasks/{0}/artifact/{1}.json"
_ARTIFACTS = {
    "WETH9": "canonical-weth/build/contracts/WETH9.json",
    "ERC20": "@aave/core-v3/" + _HARDHAT.format("mocks/tokens/MintableERC20", "MintableERC20"),
    "UniswapV2Factory": "@uniswap/v2-core/build/UniswapV2Factory.json",
    "UniswapV2Router02": "@uniswap/v2-periphery/build/UniswapV2Router02.json",
    "UniswapV3Factory": "@uniswap/v3-core/" + _HARDHAT.format("UniswapV3Factory", "UniswapV3Factory"),
    "NonfungiblePositionManager": "@uniswap/v3-periphery/"
    + _HARDHAT.format("NonfungiblePositionManager", "NonfungiblePositionManager"),
    "SwapRouter": "@uniswap/v3-periphery/" + _HARDHAT.format("SwapRouter", "SwapRouter"),
    "QuoterV2": "@uniswap/v3-periphery/" + _HARDHAT.format("lens/QuoterV2", "QuoterV2"),
    "TickLens": "@uniswap/v3-periphery/" + _HARDHAT.format("lens/TickLens", "TickLens"),
    "PoolManager": _V4.format("PoolManager", "PoolManager.default"),
    "PoolModifyLiquidityTest": _V4.format("PoolModifyLiquidityTest", "PoolModifyLiquidityTest.default"),
    "PoolSwapTest": _V4.format("PoolSwapTest", "PoolSwapTest.default"),
    "StateView": _V4.format("StateView", "StateView"),
    "V4Quoter": _V4.format("V4Quoter", "V4Quoter"),
    **{
        f"{prefix}{name}": f"@cryptoalgebra/{package}/" + _HARDHAT.format(path, name)
        for prefix, core, periphery in (
            ("Algebra1/", "core-v1", "periphery-v1"),
            ("Algebra2/", "core", "periphery"),
            ("Integral/", "integral-core", "integral-periphery"),
        )
        for package, path, name in (
            (core, "AlgebraFactory", "AlgebraFactory"),
            (core, "AlgebraPoolDeployer", "AlgebraPoolDeployer"),
            (periphery, "NonfungiblePositionManager", "NonfungiblePositionManager"),
            (periphery, "SwapRouter", "SwapRouter"),
            (periphery, "lens/QuoterV2", "QuoterV2"),
        )
    },
    "PancakeV3Factory": "@pancakeswap/v3-core/" + _HARDHAT.format("PancakeV3Factory", "PancakeV3Factory"),
    "PancakeV3Pool": "@pancakeswap/v3-core/" + _HARDHAT.format("PancakeV3Pool", "PancakeV3Pool"),
    "Authorizer": _BALANCER_V2.format("20210418-authorizer", "Authorizer"),
    "Vault": _BALANCER_V2.format("20210418-vault", "Vault"),
    "ProtocolFeePercentagesProvider": _BALANCER_V2.format(
        "20220725-protocol-fee-percentages-provider", "ProtocolFeePercentagesProvider"
    ),
    "WeightedPoolFactory": _BALANCER_V2.format("20230206-weighted-pool-v3", "WeightedPoolFactory"),
    "ComposableStablePoolFactory": _BALANCER_V2.format(
        "20230206-composable-stable-pool-v3", "ComposableStablePoolFactory"
    ),
}
_RELINKED = {
    "Algebra1/": "6ec6c9c8091d160c0aa74b2b14ba9c1717e95093bd3ac085cee99a49aab294a4",
}
"""Packages whose contracts know pools by the hash of their code, as an exchange deployed it: not the hash of
the code that the package itself has.
"""
_POOLS = {"Algebra1/": "@cryptoalgebra/core-v1/" + _HARDHAT.format("AlgebraPool", "AlgebraPool")}
"""The pools of these packages."""
_MULTICALL3_FILE = "viem/_cjs/constants/contracts.js"
_MULTICALL3 = re.compile(r"multicall3Bytecode = '(0x[0-9a-f]+)'")


def package_files() -> frozenset[str]:
    """Return the files of the packages that are read, by their paths under `node_modules`."""
    return frozenset({*_ARTIFACTS.values(), *_POOLS.values(), _MULTICALL3_FILE})


@cache
def creation_code(modules: Path, name: str) -> str:
    """Return the 0x-hex bytecode that creates contract `name`, without constructor arguments.

    Raises: Unknown where no package carries it, Malformed where its file is not as pinned.
    """
    if name == "Multicall3":
        found = _MULTICALL3.search(_read(modules / _MULTICALL3_FILE).decode())
        if found is None:
            raise Malformed(f"{_MULTICALL3_FILE}: expected the constant multicall3Bytecode, found none")
        return found[1]
    code = _bytecode(modules, _ARTIFACTS[name])
    prefix = name[: name.find("/") + 1]
    if prefix not in _RELINKED:
        return code
    pool = _bytecode(modules, _POOLS[prefix])
    return code.replace(_RELINKED[prefix], keccak256(bytes.fromhex(pool[2:])).hex())


def _bytecode(modules: Path, file: str) -> str:
    artifact: dict[str, Any] = msgspec.json.decode(_read(modules / file))
    code = artifact.get("bytecode")
    if isinstance(code, dict):  # Foundry's layout
        code = code.get("object")
    if "evm" in artifact:  # the Solidity compiler's own layout, without 0x
        code = "0x" + artifact["evm"]["bytecode"]["object"]
    if not isinstance(code, str) or not code.startswith("0x") or len(code) <= 2:
        raise Malformed(f"{file}: expected bytecode, found {str(code)[:40]!r}")
    return code


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unknown(f"expected a contract's bytecode at {path}, found: {error.strerror}") from error
