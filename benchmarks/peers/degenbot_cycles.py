"""Size cycles with degenbot: run by its own interpreter, reads the work as JSON, answers the same way.

In:  {"url", "paths": {name: {"pools": [[kind, address], ..], "token_in", "max_input",
      "states": [[reserve0, reserve1], ..]}}}: the first pool is V2 and has another state in each calculation.
Out: {"version", "paths": {name: {"ns": median per calculation, "profits": [..]}}}; amounts are decimal
     strings.
"""

import importlib.metadata
import json
import statistics
import sys
import time
from typing import Any

import degenbot
from degenbot import UniswapLpCycle, UniswapV2Pool, UniswapV3Pool
from degenbot.uniswap.types import UniswapV2PoolState
from web3 import HTTPProvider, Web3

KINDS = {"v2": UniswapV2Pool, "v3": UniswapV3Pool}


def measure(cycle: Any, pool: Any, states: list[list[str]]) -> dict[str, Any]:
    """Size the cycle once for every state of `pool`."""
    took, profits = [], []
    for reserve0, reserve1 in states:
        state = UniswapV2PoolState(pool.address, int(reserve0), int(reserve1))
        started = time.perf_counter_ns()
        found = cycle.calculate({pool.address: state})
        took.append(time.perf_counter_ns() - started)
        profits.append(str(found.profit_amount))
    return {"ns": statistics.median(took), "profits": profits}


def main() -> None:
    """Do the work of standard input."""
    work = json.load(sys.stdin)
    degenbot.set_web3(Web3(HTTPProvider(work["url"])))
    known: dict[str, Any] = {}
    answer = {}
    for name, path in work["paths"].items():
        for kind, address in path["pools"]:
            if address not in known:
                known[address] = KINDS[kind](Web3.to_checksum_address(address), silent=True)
        pools = [known[address] for _, address in path["pools"]]
        first = pools[0]
        token = first.token0 if int(first.token0.address, 16) == int(path["token_in"], 16) else first.token1
        cycle = UniswapLpCycle(token, pools, id=name, max_input=int(path["max_input"]))
        answer[name] = measure(cycle, first, path["states"])
    json.dump({"version": importlib.metadata.version("degenbot"), "paths": answer}, sys.stdout)


if __name__ == "__main__":
    main()
