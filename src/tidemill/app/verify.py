"""Prove against the node what was stored: every event once, every pool's state as its contract has it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa
from msgspec import Struct

from tidemill.process.pools import PoolBook
from tidemill.sandbox.rpc import Call, Rpc

_SWAP_TOPICS = (
    "0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822",  # V2 Swap
    "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67",  # V3 Swap
)
_LIQUIDITY_TOPICS = (
    "0x4c209b5fc8ad50758f13e2e1088ba56a560dff690a1c6fef26394f4c03821c4f",  # V2 Mint
    "0xdccd412f0b1252819cb1fd330b93224ca42612892bb3f4f789976e6d81936496",  # V2 Burn
    "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde",  # V3 Mint
    "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c",  # V3 Burn
)
TABLES = {"swap": _SWAP_TOPICS, "liquidity_change": _LIQUIDITY_TOPICS}
"""The tables whose rows are checked one by one, and the logs that they are made of."""

_BLOCKS_A_CALL = 500
_GET_RESERVES, _SLOT0, _LIQUIDITY = "0x0902f1ac", "0x3850c7bd", "0x1a686502"

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


async def prove(
    http_url: str,
    chain_id: int,
    pools: Sequence[str],
    book: PoolBook,
    query: Callable[[str], Awaitable[pa.Table]],
) -> Proof:
    """Compare the store and the pools in memory with the node; nothing may trade meanwhile.

    Raises: Refused, Unreachable, where the node does not answer.
    """
    tables: dict[str, TableProof] = {}
    async with Rpc(http_url) as rpc:
        for table, topics in TABLES.items():
            on_chain = await logs_on_chain(rpc, pools, topics)
            tables[table] = compare(on_chain, await stored_keys(query, table, chain_id))
        proof = await _prove_pools(rpc, pools, book)
    return Proof(tables, proof)


async def logs_on_chain(rpc: Rpc, pools: Sequence[str], topics: Sequence[str]) -> list[LogKey]:
    """Return the key of every log with one of `topics` that any of `pools` ever emitted."""
    head = int(await rpc.call("eth_blockNumber"), 16)
    found: list[LogKey] = []
    for first in range(0, head + 1, _BLOCKS_A_CALL):
        last = min(first + _BLOCKS_A_CALL - 1, head)
        wanted = {
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "address": list(pools),
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


async def _prove_pools(rpc: Rpc, pools: Sequence[str], book: PoolBook) -> PoolProof:
    states = {address: book.pools.get(bytes.fromhex(address[2:])) for address in pools}
    calls = [
        Call("eth_call", ({"to": address, "data": selector}, "latest"))
        for address, state in states.items()
        for selector in ((_SLOT0, _LIQUIDITY) if hasattr(state, "sqrt_price_x96") else (_GET_RESERVES,))
    ]
    answers = iter(await rpc.all(calls))
    unequal: list[str] = []
    for address, state in states.items():
        expected = _contract_state(answers, is_v3=hasattr(state, "sqrt_price_x96"))
        found = {name: getattr(state, name, None) for name in expected}
        if found != expected:
            unequal.append(f"{address}: the contract has {expected}, we have {found}")
    return PoolProof(len(states), len(states) - len(unequal), tuple(unequal))


def _contract_state(answers: Any, *, is_v3: bool) -> dict[str, int]:
    words = _words(next(answers))
    if not is_v3:
        return {"reserve0": words[0], "reserve1": words[1]}
    tick = words[1] - (1 << 256) if words[1] >> 255 else words[1]
    return {"sqrt_price_x96": words[0], "tick": tick, "liquidity": _words(next(answers))[0]}


def _words(answer: str) -> list[int]:
    data = bytes.fromhex(answer[2:])
    return [int.from_bytes(data[start : start + 32], "big") for start in range(0, len(data), 32)]
