"""Pools of a real node refreshed in one eth_call, beside web3.py, which asks one call after the other.

The pools are copies of the sandbox's own, code and storage, at other addresses: the node runs the venues'
code for each. What is timed is one refresh, from asking for the newest block to the last object made, of many
in a row, in a process that keeps pauses away as that of `tidemill up` does.
"""

import asyncio
import statistics
import time
from typing import Any

from msgspec.structs import replace

from benchmarks.peer import ask_peer, python_of
from benchmarks.row import Row
from tidemill.app.sandbox.world import world_config
from tidemill.chains.evm.pool_query import PoolQuery, PoolState, PoolWanted
from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.core.pauses import avoid_pauses
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import Pool, World

_ROUNDS = 300
_ROUNDS_PEER = 3
_WORKS = [("uniswap_v2", 500, 5.0), ("uniswap_v3", 100, 3.0)]
_SLOTS = {"uniswap_v2": range(5, 13), "uniswap_v3": range(5)}
"""Storage that the state is in: factory, tokens, reserves, lock; slot0 to liquidity."""


def run() -> list[Row]:
    """Refresh V2 pairs and V3 pools."""
    python_of("degenbot")
    avoid_pauses()
    return asyncio.run(_run())


async def _run() -> list[Row]:
    clock = SystemClock()
    async with open_world() as world:
        copies = {protocol: await _copies(world, protocol, count) for protocol, count, _ in _WORKS}
        peer = await asyncio.to_thread(_peer, world, copies)
        rows: list[Row] = []
        async with HttpEndpoint(world.http_url, clock) as http:
            query = PoolQuery(world_config(world), http, clock)
            for protocol, count, limit_ms in _WORKS:
                took_ms, states = await _refresh(query, copies[protocol])
                theirs = peer["reads"][protocol]
                if states != [[int(number) for number in state] for state in theirs["states"]]:
                    raise RuntimeError(f"{protocol}: expected what web3.py read, found another state")
                median, p99 = statistics.median(took_ms), sorted(took_ms)[int(len(took_ms) * 0.99)]
                note = (
                    f"p99 {p99:.2f} ms; web3.py {peer['version']} one by one {theirs['ms']:.0f} ms"
                    f" ({theirs['ms'] / median:.0f}×), equal results"
                )
                name = f"{count} {protocol} pools refreshed from the sandbox node"
                rows.append(Row(name, median, "ms", limit_ms, "lower", note))
    return rows


async def _refresh(query: PoolQuery, pools: list[Pool]) -> tuple[list[float], list[list[int]]]:
    addresses = [bytes.fromhex(pool.address[2:]) for pool in pools]
    known = [_state(one).reading for one in await query.read([PoolWanted(one) for one in addresses])]
    wanted = [PoolWanted(reading.address, before=reading) for reading in known]
    took_ms: list[float] = []
    states: list[list[int]] = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        found = await query.read(wanted)
        took_ms.append((time.perf_counter() - started) * 1_000)
        states = [_numbers(_state(one)) for one in found]
    return took_ms, states


def _state(one: object) -> PoolState:
    if not isinstance(one, PoolState):
        raise RuntimeError(f"expected a pool that can be read, found {one}")
    return one


def _numbers(state: PoolState) -> list[int]:
    reading = state.reading
    held = [coin.reserve for coin in reading.coins]
    if reading.sqrt_price_x96 is None or reading.tick is None or reading.liquidity is None:
        return held
    return [reading.sqrt_price_x96, reading.tick, reading.liquidity, *held]


async def _copies(world: World, protocol: str, count: int) -> list[Pool]:
    """Return `count` pools: those of the sandbox, each copied as often as that takes."""
    originals = [pool for pool in world.pools if pool.protocol == protocol]
    copies: list[Pool] = []
    async with Rpc(world.http_url) as rpc:
        parts = {}
        for pool in originals:
            code = await rpc.call("eth_getCode", pool.address, "latest")
            slots = {
                hex(slot): await rpc.call("eth_getStorageAt", pool.address, hex(slot), "latest")
                for slot in _SLOTS[protocol]
            }
            parts[pool.address] = (code, slots)
        for index in range(count):
            pool = originals[index % len(originals)]
            code, slots = parts[pool.address]
            address = f"0xc0de{int(protocol[-1]):018x}{index + 1:018x}"
            await rpc.call("anvil_setCode", address, code)
            for slot, value in slots.items():
                await rpc.call("anvil_setStorageAt", address, slot, value)
            copies.append(replace(pool, address=address))
        await rpc.call("anvil_mine", "0x1")
    return copies


def _peer(world: World, copies: dict[str, list[Pool]]) -> dict[str, Any]:
    pools = {
        name: [[pool.address, pool.protocol, [pool.token0, pool.token1]] for pool in copied]
        for name, copied in copies.items()
    }
    question = {"url": world.http_url, "pools": pools, "rounds": _ROUNDS_PEER}
    return ask_peer("degenbot", "web3_reads.py", question)
