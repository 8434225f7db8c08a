"""Prove against the node what was stored: every event once, every pool's state as its contract has it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from msgspec import Struct

from tidemill.app.world import emitters, followed_pools, pool_name, world_config
from tidemill.chains.evm.discovery import Creation, V4Key
from tidemill.chains.evm.forks import Factory, known_factories
from tidemill.chains.evm.kinds import kind_of
from tidemill.process.pools import PoolBook
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.sandbox.world import World

_SWAP_TOPICS = (
    "0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822",  # V2 Swap
    "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67",  # V3 and Algebra Swap
    "0x19b47279256b2a23a1665c810c8d55a1758940ee09377d4f8d26497a3577dc83",  # Pancake V3 Swap
    "0x40e9cecb9f5f1f1c5b9c97dec2917b7ee92e57ba5563708daca94dd84ad7112f",  # V4 Swap
)
_LIQUIDITY_TOPICS = (
    "0x4c209b5fc8ad50758f13e2e1088ba56a560dff690a1c6fef26394f4c03821c4f",  # V2 Mint
    "0xdccd412f0b1252819cb1fd330b93224ca42612892bb3f4f789976e6d81936496",  # V2 Burn
    "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde",  # V3 and Algebra Mint
    "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c",  # V3 and Algebra Burn
    "0xf208f4912782fd25c7f114ca3723a2d5dd6f3bcc3ac8db5af63baa85f711d5ec",  # V4 ModifyLiquidity
)
TABLES = {"swap": _SWAP_TOPICS, "liquidity_change": _LIQUIDITY_TOPICS}
"""The tables whose rows are checked one by one, and the logs that they are made of."""

_BLOCKS_A_CALL = 500
_COMPARED = ("reserve0", "reserve1", "sqrt_price_x96", "tick", "liquidity", "fee_ppm")

LogKey = tuple[bytes, int]
"""Block hash and log index."""


class TableProof(Struct, frozen=True):
    """How the rows of one table compare with the node's logs."""

    on_chain: int
    stored: int
    missing: int
    double: int
    unknown: int
    """Rows of canonical blocks that the node does not have."""


class PoolProof(Struct, frozen=True):
    """How the pools' states in memory compare with their contracts'."""

    checked: int
    equal: int
    unequal: tuple[str, ...]
    """Address, what the contract says, what we have."""


class Proof(Struct, frozen=True):
    """Everything that was compared."""

    tables: dict[str, TableProof]
    pools: PoolProof

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, double, unknown or unequal."""
        whole = all(not (table.missing or table.double or table.unknown) for table in self.tables.values())
        return whole and not self.pools.unequal


async def prove(world: World, book: PoolBook, query: Callable[[str], Awaitable[pa.Table]]) -> Proof:
    """Compare the store and the pools in memory with the node; nothing may trade meanwhile.

    Raises: Refused, Unreachable, where the node does not answer.
    """
    tables: dict[str, TableProof] = {}
    async with Rpc(world.http_url) as rpc:
        for table, topics in TABLES.items():
            on_chain = await logs_on_chain(rpc, emitters(world), topics)
            tables[table] = compare(on_chain, await stored_keys(query, table, world.chain_id))
        proof = await _prove_pools(rpc, world, book)
    return Proof(tables, proof)


async def logs_on_chain(rpc: Rpc, contracts: Sequence[str], topics: Sequence[str]) -> list[LogKey]:
    """Return the key of every log with one of `topics` that any of `contracts` ever emitted."""
    head = int(await rpc.call("eth_blockNumber"), 16)
    found: list[LogKey] = []
    for first in range(0, head + 1, _BLOCKS_A_CALL):
        last = min(first + _BLOCKS_A_CALL - 1, head)
        wanted = {
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "address": list(contracts),
            "topics": [list(topics)],
        }
        for log in await rpc.call("eth_getLogs", wanted):
            found.append((bytes.fromhex(log["blockHash"][2:]), int(log["logIndex"], 16)))
    return found


async def stored_keys(query: Callable[[str], Awaitable[pa.Table]], table: str, chain_id: int) -> list[LogKey]:
    """Return the key of every canonical row of `table`, each as often as it is stored."""
    canonical = f"{table}_canonical WHERE chain_id = {chain_id}"
    highest = (await query(f"SELECT max(block_number) AS highest FROM {canonical}"))["highest"][0].as_py()  # noqa: S608 both are ours
    found: list[LogKey] = []
    for first in range(0, highest + 1, _BLOCKS_A_CALL):
        within = f"{canonical} AND block_number BETWEEN {first} AND {first + _BLOCKS_A_CALL - 1}"
        rows = await query(f"SELECT block_hash, log_index FROM {within}")  # noqa: S608 both are ours
        found += zip(rows.column("block_hash").to_pylist(), rows.column("log_index").to_pylist(), strict=True)
    return found


def compare(on_chain: Iterable[LogKey], stored: Iterable[LogKey]) -> TableProof:
    """Return how what is stored differs from what is there."""
    there, kept = set(on_chain), Counter(stored)
    return TableProof(
        on_chain=len(there),
        stored=kept.total(),
        missing=len(there - kept.keys()),
        double=kept.total() - len(kept),
        unknown=len(kept.keys() - there),
    )


async def _prove_pools(rpc: Rpc, world: World, book: PoolBook) -> PoolProof:
    factories = known_factories(world_config(world))
    names = [pool_name(pool) for pool in followed_pools(world)]
    kept = {name: pool for name in names if (pool := book.pools.get(name)) is not None}
    abouts = {name: _about(name, pool, factories) for name, pool in kept.items()}
    asked = [
        (name, view, question)
        for name, about in abouts.items()
        for view, question in kind_of(about.factory.protocol).questions(about).items()
    ]
    answers: dict[bytes, dict[str, bytes]] = {name: {} for name in kept}
    told = await rpc.all([_call(*question) for *_, question in asked])
    for (name, view, _), answer in zip(asked, told, strict=True):
        answers[name][view] = bytes.fromhex(answer[2:])
    unequal = [f"0x{name.hex()}: it is not followed" for name in names if name not in kept]
    for name, about in abouts.items():
        state = kind_of(about.factory.protocol).state(about, answers[name])
        expected = {field: state[field] for field in _COMPARED if field in state}
        found = {field: getattr(kept[name], field, None) for field in expected}
        if found != expected:
            unequal.append(f"0x{name.hex()}: the contract has {expected}, we have {found}")
    return PoolProof(len(names), len(names) - len(unequal), tuple(unequal))


def _about(name: bytes, pool: Any, factories: Mapping[bytes, Factory]) -> Creation:
    """Return what the pool's creation told, as the followed pool has it."""
    is_v4 = pool.protocol == "uniswap_v4"
    key = V4Key(pool.pool_id, pool.hooks or bytes(20), pool.is_fee_dynamic) if is_v4 else None
    return Creation(
        name,
        factories[pool.factory],
        pool.token0,
        pool.token1,
        pool.fee_ppm,
        getattr(pool, "tick_spacing", None),
        key=key,
    )


def _call(to: bytes, data: bytes) -> Call:
    return Call("eth_call", ({"to": f"0x{to.hex()}", "data": f"0x{data.hex()}"}, "latest"))
