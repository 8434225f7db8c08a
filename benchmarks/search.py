"""Sizing and scanning: the crate's own bench, sizing from Python, and the same paths sized by degenbot."""

import asyncio
import json
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from benchmarks.peer import ask_peer, python_of
from benchmarks.reading import pools_of
from benchmarks.row import Row
from tidemill._rust import UniswapV2Pool, size_paths
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.world import World

ROOT = Path(__file__).parents[1]
RATIO = 50.0
_SIZES = {
    "size_2_v2": ("2-hop V2 sizing, Rust", 130),
    "size_2_v3_in_range": ("2-hop sizing V3 in range, Rust", 1_500),
    "size_2_v3_8_ranges": ("2-hop sizing V3 over 8 ranges, Rust", 60_000),
    "size_2_balancer_weighted": ("2-hop sizing Balancer weighted, Rust", 40_000),
    "size_2_curve_stable": ("2-hop sizing Curve, Rust", 70_000),
}
_SCANS = {1_000: 5, 5_000: 30, 20_000: 150}
_PATHS = 1_000
_ROUNDS = 300
_SIZED_BY_PEER = 200
_MISSED_BY_US, _MISSED_BY_PEER = 1e-8, 1e-5
_BATCH_LIMIT_NS = 200.0


class Work(NamedTuple):
    """A circle of two pools, the first of which has another state in each calculation."""

    name: str
    kind: str
    """Of the second pool, as degenbot's script names it."""
    first: Any
    second: Any
    states: list[UniswapV2Pool]


def run() -> list[Row]:
    """Run the crate's bench and compare with degenbot."""
    return [*_rust(), *_from_python(), *_beside_peer()]


def _rust() -> list[Row]:
    command = ["cargo", "bench", "--quiet", "-p", "tidemill-search", "--bench", "hot"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
    rows = [Row(what, found[name]["ns"], "ns", limit, "lower") for name, (what, limit) in _SIZES.items()]
    for count, limit_ms in _SCANS.items():
        line = found[f"scan_20_of_{count}"]
        note = f"{line['candidates']} circles sized, WETH in {line['hub_pools']} pools, best {line['ms']} ms"
        what = f"scan after 20 of {count:,} pools were touched, 3 hops"
        rows.append(Row(what, line["median_ms"], "ms", limit_ms, "lower", note=note))
    return rows


def _from_python() -> list[Row]:
    unit = 10**18
    pools, hops = [], []
    for index in range(_PATHS):
        scale = 1_010 + index % 40
        pools += [
            UniswapV2Pool(reserve0=(31_415 + index) * unit, reserve1=(92_718 + 3 * index) * unit),
            UniswapV2Pool(
                reserve0=(21_415 + index) * unit * scale // 1_000, reserve1=(63_203 + 3 * index) * unit
            ),
        ]
        hops += [4 * index, 4 * index + 3]
    ns = _timed(pools, hops)
    note = f"batches of {_PATHS}, median of {_ROUNDS}; the Arrow array of hops is made before"
    return [Row("2-hop V2 sizing from Python", ns, "ns", _BATCH_LIMIT_NS, "lower", note=note)]


def _timed(pools: list[Any], hops: list[int]) -> float:
    array = pa.array(hops, pa.uint32())
    took: list[float] = []
    for _ in range(_ROUNDS):
        started = time.perf_counter_ns()
        size_paths(pools, array, hops_per_path=2)
        took.append((time.perf_counter_ns() - started) / (len(hops) // 2))
    return statistics.median(took)


def _beside_peer() -> list[Row]:
    python_of("degenbot")
    return asyncio.run(_compared())


async def _compared() -> list[Row]:
    async with open_world() as world:
        book = await pools_of(world)
        pools = [book.pools.get(bytes.fromhex(pool.address[2:])) for pool in world.pools]
        works = _works([pool for pool in pools if pool is not None])
        answer = await asyncio.to_thread(_peer, world, works)
    rows: list[Row] = []
    for work in works:
        ours_ns, profits = _ours(work)
        peer = answer["paths"][work.name]
        for ours, theirs in zip(profits, map(int, peer["profits"]), strict=True):
            # Neither tries the last units: a unit of a token of 6 decimals is worth many of one of 18.
            if not -_MISSED_BY_PEER * ours < theirs - ours < _MISSED_BY_US * ours:
                raise RuntimeError(f"{work.name}: profits differ: {ours} and {theirs}")
        peer_us = peer["ns"] / 1e3
        note = f"ours {ours_ns:.0f} ns, degenbot {answer['version']} {peer_us:.0f} µs, the same profits"
        rows.append(
            Row(f"{work.name}, from Python, times degenbot", peer["ns"] / ours_ns, "×", RATIO, note=note)
        )
    return rows


def _works(pools: list[Any]) -> list[Work]:
    """Return a V2 pair against another V2 pair, and against a V3 pool, of the same two tokens."""
    return [_work(pools, kind, protocol) for kind, protocol in (("v2", "uniswap_v2"), ("v3", "uniswap_v3"))]


def _work(pools: list[Any], kind: str, protocol: str) -> Work:
    first, second = next(
        (one, other)
        for one in pools
        for other in pools
        if (one.protocol, other.protocol) == ("uniswap_v2", protocol)
        if one.address != other.address and (one.token0, one.token1) == (other.token0, other.token1)
    )
    # One to three per cent dearer than the other pool, a little more for each calculation.
    price = second.price()
    dearer = [price * (1.01 + 0.02 * index / _SIZED_BY_PEER) for index in range(_SIZED_BY_PEER)]
    reserve0 = first.reserve0
    states = [UniswapV2Pool(reserve0=reserve0, reserve1=int(reserve0 * one)) for one in dearer]
    return Work(f"sizing V2 and {kind.upper()}", kind, first, second, states)


def _peer(world: World, works: list[Work]) -> dict[str, Any]:
    paths = {
        work.name: {
            "pools": [["v2", "0x" + work.first.address.hex()], [work.kind, "0x" + work.second.address.hex()]],
            "token_in": "0x" + work.first.token0.hex(),
            "max_input": str(work.first.reserve0),
            "states": [[str(state.reserve0), str(state.reserve1)] for state in work.states],
        }
        for work in works
    }
    return ask_peer("degenbot", "degenbot_cycles.py", {"url": world.http_url, "paths": paths})


def _ours(work: Work) -> tuple[float, list[int]]:
    pools = [work.second, *work.states]
    hops = [hop for place in range(len(work.states)) for hop in (2 * (place + 1), 1)]
    batch = size_paths(pools, pa.array(hops, pa.uint32()), hops_per_path=2)
    paid, bought = (
        [int.from_bytes(one or b"", "little") for one in batch.column(name).to_pylist()]
        for name in ("amount_in", "amount_out")
    )
    return _timed(pools, hops), [out - given for given, out in zip(paid, bought, strict=True)]
