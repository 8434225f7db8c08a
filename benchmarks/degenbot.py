"""Quotes beside degenbot: the same pools of one sandbox world, the same amounts, the same results, one run.

degenbot quotes one amount a call, which is its interface; ours quotes a batch a call. Both are called from
Python.
"""

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from benchmarks.peer import ask_peer, python_of
from benchmarks.reading import pools_of
from benchmarks.row import Row
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.fill import mint_position
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.site import FEES
from tidemill.sandbox.world import Pool, World

ROOT = Path(__file__).parents[1]
RATIO = 20.0
_AMOUNTS = 4_000
_ROUNDS = 20
_ROUNDS_OURS = 200


class Work(NamedTuple):
    """One comparison: amounts of one token into one pool."""

    name: str
    kind: str
    pool: Any
    zero_for_one: bool
    world_pool: Pool
    amounts: list[int]


def run() -> list[Row]:
    """Compare V2, V3 in range, V3 crossing 8 ticks."""
    python_of("degenbot")
    return asyncio.run(_run())


async def _run() -> list[Row]:
    async with open_world() as world:
        pool = next(pool for pool in world.pools if pool.protocol == "uniswap_v3" and pool.fee_ppm == 3_000)
        await _add_ticks(world, pool)
        book = await pools_of(world)
        works = list(_works(world, book))
        answer = await asyncio.to_thread(_peer, world, works)
    rows: list[Row] = []
    for work in works:
        ns, outputs = _ours(work)
        peer = answer["calls"][work.name]
        theirs = [int(output) for output in peer["outputs"]]
        if outputs != theirs:
            differing = next(i for i, (a, b) in enumerate(zip(outputs, theirs, strict=True)) if a != b)
            found = f"{outputs[differing]} and {theirs[differing]}"
            raise RuntimeError(f"{work.name}: results differ at {work.amounts[differing]}: {found}")
        note = f"ours {ns:.1f} ns, degenbot {answer['version']} {peer['ns']:.0f} ns, equal results"
        rows.append(Row(f"{work.name}, from Python, times degenbot", peer["ns"] / ns, "×", RATIO, note=note))
    return rows


async def _add_ticks(world: World, pool: Pool) -> None:
    """Give `pool` positions side by side, so that a swap crosses one tick after the other."""
    spacing = pool.tick_spacing or 0
    async with Rpc(world.http_url) as rpc:
        slot = await rpc.call("eth_call", {"to": pool.address, "data": "0x3850c7bd"}, "latest")
        tick = int.from_bytes(bytes.fromhex(slot[66:130][-6:]), "big", signed=True) // spacing * spacing
        sender = world.accounts.deployer
        nonce = int(await rpc.call("eth_getTransactionCount", sender, "latest"), 16)
        sizes = (10**24, 10**24)
        for index, below in enumerate(range(1, 13)):
            ticks = (tick - below * spacing, tick - (below - 1) * spacing)
            data = mint_position(
                (pool.token0, pool.token1), pool.fee_ppm, ticks, _fitting(world, pool, sizes), sender
            )
            await rpc.call(
                "eth_sendTransaction",
                {
                    "from": sender,
                    "to": world.position_manager,
                    "data": data,
                    "nonce": hex(nonce + index),
                    "gas": hex(1_000_000),
                    **FEES,
                },
            )
        await rpc.call("evm_mine")
        receipts = await rpc.call("eth_getBlockReceipts", "latest")
        if any(int(receipt["status"], 16) != 1 for receipt in receipts):
            raise RuntimeError("bench: a position could not be minted")


def _fitting(world: World, pool: Pool, sizes: tuple[int, int]) -> tuple[int, int]:
    decimals = {token.address: token.decimals for token in world.tokens}
    return sizes[0] // 10 ** (18 - decimals[pool.token0]), sizes[1] // 10 ** (18 - decimals[pool.token1])


def _works(world: World, book: Any) -> list[Work]:
    pools = [(pool, book.pools.get(bytes.fromhex(pool.address[2:]))) for pool in world.pools]
    v2, v2_state = next((pool, state) for pool, state in pools if pool.protocol == "uniswap_v2")
    works = [Work("V2 quote", "v2", v2_state, True, v2, _spread(v2_state.reserve0 // 10_000))]
    v3s = [(pool, state) for pool, state in pools if pool.protocol == "uniswap_v3"]
    for pool, state in v3s:
        if amount := _amount_crossing(state, 8):
            small = next(amount >> shift for shift in range(256) if _crossed(state, amount >> shift) == 0)
            works.append(Work("V3 quote in range", "v3", state, True, pool, _spread(small // 2)))
            works.append(
                Work(
                    "V3 quote crossing 8 ticks",
                    "v3",
                    state,
                    True,
                    pool,
                    [amount + i for i in range(_AMOUNTS)],
                )
            )
            return works
    raise RuntimeError("the sandbox has no pool in which a swap crosses 8 ticks")


def _spread(base: int) -> list[int]:
    return [base + index * (base // (2 * _AMOUNTS)) for index in range(_AMOUNTS)]


def _crossed(state: Any, amount: int) -> int:
    return int(state.quote(True, amount_in=amount)[2])


def _amount_crossing(state: Any, ticks: int) -> int | None:
    """Return an amount of token 0 that crosses exactly `ticks` initialised ticks, the pool permitting."""
    low, high = 0, 1 << 120
    while low < high:
        middle = (low + high) // 2
        if _crossed(state, middle) < ticks:
            low = middle + 1
        else:
            high = middle
    return low + 1_000 if low and _crossed(state, low + 1_000) == ticks else None


def _peer(world: World, works: list[Work]) -> dict[str, Any]:
    calls = [
        {
            "name": work.name,
            "kind": work.kind,
            "pool": work.world_pool.address,
            "token_in": work.world_pool.token0 if work.zero_for_one else work.world_pool.token1,
            "amounts": [str(amount) for amount in work.amounts],
            "rounds": _ROUNDS,
        }
        for work in works
    ]
    return ask_peer("degenbot", "degenbot_quotes.py", {"url": world.http_url, "calls": calls})


def _ours(work: Work) -> tuple[float, list[int]]:
    array = pa.array([amount.to_bytes(32, "little") for amount in work.amounts], pa.binary(32))
    outputs = [
        int.from_bytes(value.as_py(), "little") for value in work.pool.amounts_out(work.zero_for_one, array)
    ]
    took: list[float] = []
    for _ in range(_ROUNDS_OURS):
        started = time.perf_counter_ns()
        work.pool.amounts_out(work.zero_for_one, array)
        took.append((time.perf_counter_ns() - started) / len(work.amounts))
    return statistics.median(took), outputs
