"""A flash arbitrage of three hops simulated warm, beside pyrevm alone, the node's eth_call and web3.py.

All four run the same call on the same block of the sandbox's chain and must return the same bytes. Ours also
tells each token's balance changes and the access list; the others return the call's bytes alone.
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any

from tests.execute.arena import Arena, bytes_of, hop, open_arena, route

from benchmarks.peer import ask_peer, python_of
from benchmarks.row import Row
from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.plan.route import Route
from tidemill.execute.plan.route_codec import call_data, encode
from tidemill.execute.simulation.forked_state import read_head
from tidemill.execute.simulation.node_simulation import NodeSimulator
from tidemill.execute.simulation.simulate import Simulator
from tidemill.execute.simulation.simulation import Call, Method

_ROUNDS = 1_000
_ROUNDS_NODE = 300


def run() -> list[Row]:
    """Simulate the one circle in every way."""
    python_of("simulation")
    return asyncio.run(_run())


async def three_hops(arena: Arena, source: LoanSource) -> Route:
    """Make a gap, and return the circle that gains from it."""
    cheap = arena.pool("uniswap", "uniswap_v2", ("WETH", "USDC"))
    await arena.widen(cheap, arena.world.weth, 400 * 10**18)
    usdc, weth, dai = (arena.token(symbol) for symbol in ("USDC", "WETH", "DAI"))
    hops = [
        hop(cheap, usdc, weth),
        hop(arena.pool("uniswap", "uniswap_v3", ("WETH", "DAI")), weth, dai),
        hop(arena.pool("uniswap", "uniswap_v3", ("DAI", "USDC")), dai, usdc),
    ]
    return route(arena.loan(source), hops)


async def _run() -> list[Row]:
    async with open_arena() as arena, HttpEndpoint(arena.world.http_url, SystemClock()) as http:
        data = call_data(encode(await three_hops(arena, LoanSource.BALANCER_V2)))
        call = Call(sender=bytes_of(arena.operator), to=bytes_of(arena.executor), data=data)
        head = await read_head(http, None)
        simulator = Simulator(http, chain_id=arena.world.chain_id)
        output = (await simulator.run(call, head.number)).output
        ours_ms = await _timed(simulator, call, _ROUNDS)
        busy_ms = await _timed(simulator, call, _ROUNDS, time.thread_time)
        node_ms = await _timed(NodeSimulator(http, (Method.CALL,)), call, _ROUNDS_NODE)
        question = {
            "url": arena.world.http_url,
            "sender": arena.operator,
            "to": arena.executor,
            "data": "0x" + data.hex(),
            "number": head.number,
            "timestamp_s": head.timestamp_s,
            "rounds": _ROUNDS,
            "rounds_web3": _ROUNDS_NODE // 3,
        }
        peer = await asyncio.to_thread(ask_peer, "simulation", "simulations.py", question)
    if {output.hex(), *peer["outputs"].values()} != {output.hex()}:
        raise RuntimeError(f"expected equal outputs, found {output.hex()} and {peer['outputs']}")
    return _rows(ours_ms, busy_ms, node_ms, peer)


async def _timed(
    simulator: Simulator | NodeSimulator,
    call: Call,
    rounds: int,
    now_s: Callable[[], float] = time.perf_counter,
) -> list[float]:
    took_ms: list[float] = []
    for _ in range(rounds):
        started = now_s()
        await simulator.run(call)
        took_ms.append((now_s() - started) * 1_000)
    return took_ms


def _rows(
    ours_ms: list[float], busy_ms: list[float], node_ms: list[float], peer: dict[str, Any]
) -> list[Row]:
    what = "a flash arbitrage of 3 hops simulated warm, in the process"
    told = "with balance changes and access list; equal outputs"
    rows = [
        Row(f"{what}, median", statistics.median(ours_ms), "ms", 0.5, "lower", told),
        Row(f"{what}, p99", _p99(ours_ms), "ms", 2.0, "lower", f"{_p99(busy_ms):.2f} ms of processor time"),
    ]
    beside = {
        f"the same by pyrevm {peer['pyrevm']} alone": peer["ms"]["pyrevm"],
        "the same by the node: head, eth_call and access list in two requests": node_ms,
        f"the same by web3.py {peer['web3']}: eth_call": peer["ms"]["web3"],
    }
    return rows + [
        Row(f"{name}, median", statistics.median(took_ms), "ms", note=f"p99 {_p99(took_ms):.2f} ms")
        for name, took_ms in beside.items()
    ]


def _p99(took_ms: list[float]) -> float:
    return sorted(took_ms)[int(len(took_ms) * 0.99)]
