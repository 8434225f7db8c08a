"""Simulate a call with pyrevm and with web3.py: run by its own interpreter, JSON in, JSON out.

In:  {"url", "sender", "to", "data", "number", "timestamp_s", "rounds", "rounds_web3"}
Out: {"pyrevm", "web3": versions, "ms": {name: [milliseconds, ..]}, "outputs": {name: hex}}
"""

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable

import pyrevm
from web3 import HTTPProvider, Web3

question = json.load(sys.stdin)
sender, to, data = question["sender"], question["to"], bytes.fromhex(question["data"][2:])
block = pyrevm.BlockEnv(number=question["number"], timestamp=question["timestamp_s"])
evm = pyrevm.EVM(fork_url=question["url"], fork_block=hex(question["number"]), env=pyrevm.Env(block=block))
web3 = Web3(HTTPProvider(question["url"]))
asked = {
    "from": Web3.to_checksum_address(sender),
    "to": Web3.to_checksum_address(to),
    "data": question["data"],
    "gas": 10_000_000,
}


def in_pyrevm() -> bytes:
    """Run the call and undo it."""
    before = evm.snapshot()
    output = evm.message_call(caller=sender, to=to, calldata=data, gas=10_000_000)
    evm.revert(before)
    return bytes(output)


def by_web3() -> bytes:
    """Ask the node."""
    return bytes(web3.eth.call(asked, question["number"]))


def timed(run: Callable[[], bytes], rounds: int) -> tuple[list[float], str]:
    """Return how long each round took, and what the last gave; the first is not counted."""
    output, took_ms = run(), []
    for _ in range(rounds):
        started = time.perf_counter()
        output = run()
        took_ms.append((time.perf_counter() - started) * 1_000)
    return took_ms, output.hex()


pyrevm_ms, pyrevm_output = timed(in_pyrevm, question["rounds"])
web3_ms, web3_output = timed(by_web3, question["rounds_web3"])
answer = {
    "pyrevm": importlib.metadata.version("pyrevm"),
    "web3": importlib.metadata.version("web3"),
    "ms": {"pyrevm": pyrevm_ms, "web3": web3_ms},
    "outputs": {"pyrevm": pyrevm_output, "web3": web3_output},
}
print(json.dumps(answer))
