"""Quote with degenbot: run by its own interpreter, reads the work as JSON from standard input, answers the same way.

In:  {"url", "calls": [{"name", "kind": "v2" | "v3", "pool", "token_in", "amounts": [..], "rounds"}]}
Out: {"version", "calls": {name: {"ns": median per quote, "outputs": [..]}}}; amounts are decimal strings.
"""

import importlib.metadata
import json
import statistics
import sys
import time

import degenbot
from degenbot import UniswapV2Pool, UniswapV3Pool
from web3 import HTTPProvider, Web3


def measure(pool, token_in, amounts: list[int], rounds: int) -> tuple[float, list[int]]:
    """Return the median ns a quote took over `rounds` rounds, and what the quotes gave."""
    quote = pool.calculate_tokens_out_from_tokens_in
    outputs = [quote(token_in, amount) for amount in amounts]
    took = []
    for _ in range(rounds):
        started = time.perf_counter_ns()
        for amount in amounts:
            quote(token_in, amount)
        took.append((time.perf_counter_ns() - started) / len(amounts))
    return statistics.median(took), outputs


def main() -> None:
    """Do the work of standard input."""
    work = json.load(sys.stdin)
    degenbot.set_web3(Web3(HTTPProvider(work["url"])))
    kinds = {"v2": UniswapV2Pool, "v3": UniswapV3Pool}
    calls = {}
    for call in work["calls"]:
        pool = kinds[call["kind"]](Web3.to_checksum_address(call["pool"]), silent=True)
        token = pool.token0 if int(pool.token0.address, 16) == int(call["token_in"], 16) else pool.token1
        ns, outputs = measure(pool, token, [int(amount) for amount in call["amounts"]], call["rounds"])
        calls[call["name"]] = {"ns": ns, "outputs": [str(output) for output in outputs]}
    json.dump({"version": importlib.metadata.version("degenbot"), "calls": calls}, sys.stdout)


if __name__ == "__main__":
    main()
