"""Read pools with web3.py, one call after the other: run by its own interpreter, JSON in, JSON out.

In:  {"url", "pools": {name: [[address, kind, [token0, token1]], ..]}, "rounds"}
Out: {"version", "reads": {name: {"ms": median of rounds, "states": [[number, ..], ..]}}}; numbers as text
"""

import importlib.metadata
import json
import statistics
import sys
import time
from typing import Any

from web3 import HTTPProvider, Web3

_VIEWS = {
    "getReserves": ["uint112", "uint112", "uint32"],
    "slot0": ["uint160", "int24", "uint16", "uint16", "uint16", "uint8", "bool"],
    "liquidity": ["uint128"],
}
_ABI = [
    {
        "type": "function",
        "name": name,
        "stateMutability": "view",
        "inputs": [],
        "outputs": [{"name": str(index), "type": kind} for index, kind in enumerate(outputs)],
    }
    for name, outputs in _VIEWS.items()
]
_ABI.append(
    {
        "type": "function",
        "name": "balanceOf",
        "stateMutability": "view",
        "inputs": [{"name": "owner", "type": "address"}],
        "outputs": [{"name": "0", "type": "uint256"}],
    }
)


def read(contract: Any, kind: str, tokens: list[Any]) -> list[int]:
    """Return what ours reads of the pool."""
    views = contract.functions
    if kind == "uniswap_v2":
        return list(views.getReserves().call()[:2])
    held = [token.functions.balanceOf(contract.address).call() for token in tokens]
    return [*views.slot0().call()[:2], views.liquidity().call(), *held]


def main() -> None:
    """Do the work of standard input."""
    work = json.load(sys.stdin)
    web3 = Web3(HTTPProvider(work["url"]))

    def contract_at(address: str) -> Any:
        return web3.eth.contract(address=web3.to_checksum_address(address), abi=_ABI)

    reads = {}
    for name, pools in work["pools"].items():
        contracts = [
            (contract_at(address), kind, [contract_at(token) for token in tokens])
            for address, kind, tokens in pools
        ]
        took, states = [], []
        for _ in range(work["rounds"]):
            started = time.perf_counter()
            states = [read(contract, kind, tokens) for contract, kind, tokens in contracts]
            took.append((time.perf_counter() - started) * 1_000)
        reads[name] = {
            "ms": statistics.median(took),
            "states": [[str(number) for number in state] for state in states],
        }
    json.dump({"version": importlib.metadata.version("web3"), "reads": reads}, sys.stdout)


if __name__ == "__main__":
    main()
