"""Quote with degenbot: run by its own interpreter, reads the work as JSON, answers the same way.

In:  {"url", "calls": [{"name", "kind": "v2" | "v3", "pool", "token_in", "amounts": [..], "rounds"}]}
Out: {"version", "calls": {name: {"ns": median per quote, "outputs": [..]}}}; amounts are decimal strings.
"""

import importlib.metadata
import json
import statistics
import sys
import time
from typing import Any

import degenbot
from degenbot import UniswapV2Pool, UniswapV3Pool
from web3 import HTTPProvider, Web3


def measure(pool: Any, token_in: Any, amounts: list[int], rounds: int) -> tuple[float, list[int]]:
    """Return the median ns a quote took over `rounds` parts of the amounts, and the outputs.

    Every amount is quoted once: degenbot remembers the steps of a swap, a repeated one would be a look-up.
    """
    quote = pool.calculate_tokens_out_from_tokens_in
    part = len(amounts) // rounds
    outputs, took = [], []
    for start in range(0, part * rounds, part):
        asked = amounts[start : start + part]
        started = time.perf_counter_ns()
        outputs += [quote(token_in, amount) for amount in asked]
        took.append((time.perf_counter_ns() - started) / part)
    return statistics.median(took), outputs


def main() -> None:
    """Do the work of standard input."""
    work = json.load(sys.stdin)
    degenbot.set_web3(Web3(HTTPProvider(work["url"])))
    kinds = {"v2": UniswapV2Pool, "v3": UniswapV3Pool}
    pools, calls = {}, {}
    for call in work["calls"]:
        if call["pool"] not in pools:
            pools[call["pool"]] = kinds[call["kind"]](Web3.to_checksum_address(call["pool"]), silent=True)
        pool = pools[call["pool"]]
        token = pool.token0 if int(pool.token0.address, 16) == int(call["token_in"], 16) else pool.token1
        ns, outputs = measure(pool, token, [int(amount) for amount in call["amounts"]], call["rounds"])
        calls[call["name"]] = {"ns": ns, "outputs": [str(output) for output in outputs]}
    json.dump({"version": importlib.metadata.version("degenbot"), "calls": calls}, sys.stdout)


if __name__ == "__main__":
    main()
