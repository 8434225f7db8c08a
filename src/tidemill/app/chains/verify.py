"""Prove against the node what was stored: every event once, every pool's state as its contract has it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from msgspec import Struct

from tidemill._rust import CoinsPool
from tidemill.app.sandbox.world import FOLLOWED, emitters, followed_pools, pool_name, world_config
from tidemill.chains.evm.discovery import Creation, V4Key
from tidemill.chains.evm.forks import Factory, known_factories
from tidemill.chains.evm.kinds import kind_of
from tidemill.process.pools import PoolBook
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.sandbox.venues import VENUES, Leg
from tidemill.sandbox.world import FurtherPool, World

_SWAP_TOPICS = (
    "0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822",  # V2 Swap
    "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67",  # V3 and Algebra Swap
    "0x19b47279256b2a23a1665c810c8d55a1758940ee09377d4f8d26497a3577dc83",  # Pancake V3 Swap
    "0x40e9cecb9f5f1f1c5b9c97dec2917b7ee92e57ba5563708daca94dd84ad7112f",  # V4 Swap
    "0x8b3e96f2b889fa771c53c981b40daf005f63f637f1869f707052d15a3dd97140",  # Curve TokenExchange
    "0x2170c741c41531aec20e7c107c24eecfdd15e69c9bb0a8dd37b1840b9e0b207b",  # Balancer V2 Swap
    "0x0874b2d545cb271cdbda4e093020c452328b24af12382ed62c4d00f5c26709db",  # Balancer V3 Swap
)
_BALANCE_CHANGED = "0xe5ce249087ce04f05a957192435400fd97868dba0e6a4b4c049abf8af80dae78"
_OF_VAULT_V3 = (
    "0xa26a52d8d53702bba7f137907b8e1f99ff87f6d450144270ca25e72481cca871",  # LiquidityAdded
    "0xfbe5b0d79fb94f1e81c0a92bf86ae9d3a19e9d1bf6202c0d3e75120f65d5d8a5",  # LiquidityRemoved
)
_LIQUIDITY_TOPICS = (
    "0x4c209b5fc8ad50758f13e2e1088ba56a560dff690a1c6fef26394f4c03821c4f",  # V2 Mint
    "0xdccd412f0b1252819cb1fd330b93224ca42612892bb3f4f789976e6d81936496",  # V2 Burn
    "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde",  # V3 and Algebra Mint
    "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c",  # V3 and Algebra Burn
    "0xf208f4912782fd25c7f114ca3723a2d5dd6f3bcc3ac8db5af63baa85f711d5ec",  # V4 ModifyLiquidity
    "0x26f55a85081d24974e85c6c00045d0f0453991e95873f52bff0d21af4079a768",  # AddLiquidity of two coins
    "0x7c363854ccf79623411f8995b362bce5eddff18c927edc6f5dbbb5e05819a82c",  # RemoveLiquidity of two coins
    _BALANCE_CHANGED,  # of Balancer's pools of two tokens, as the two below
    *_OF_VAULT_V3,
)
TABLES = {"swap": _SWAP_TOPICS, "liquidity_change": _LIQUIDITY_TOPICS}
"""The tables whose rows are checked one by one, and the logs that they are made of."""

_BLOCKS_A_CALL = 500
_PAIR = 2
_SHARES = (10**6, 100)
"""What part of a pool's coin is offered to it, once little and once much."""
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
            on_chain = await logs_on_chain(rpc, world, topics)
            tables[table] = compare(on_chain, await stored_keys(query, table, world.chain_id))
        of_coins = [pool for pool in _further(world) if _is_of_coins(pool)]
        others = {pool_name(pool) for pool in followed_pools(world)} - {pool_name(pool) for pool in of_coins}
        unequal = [*await _unequal(rpc, world, book, sorted(others))]
        for pool in of_coins:
            unequal += await _unequal_coins(rpc, book, pool)
    checked = len(others) + len(of_coins)
    wrong = {line.partition(":")[0] for line in unequal}
    return Proof(tables, PoolProof(checked, checked - len(wrong), tuple(unequal)))


def is_read(world: World, book: PoolBook) -> bool:
    """Whether the state of every pool that is followed is known."""
    kept = [book.pools.get(pool_name(pool)) for pool in followed_pools(world)]
    return all(pool is not None and pool.is_complete for pool in kept)


async def logs_on_chain(rpc: Rpc, world: World, topics: Sequence[str]) -> list[LogKey]:
    """Return the key of every log with one of `topics` that tells of a followed pool and is a row."""
    head = int(await rpc.call("eth_blockNumber"), 16)
    contracts = emitters(world)
    pairs = {pool.pool_id or _word(pool.address) for pool in _further(world) if len(pool.tokens) == _PAIR}
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
            if log["topics"][0] in (_BALANCE_CHANGED, *_OF_VAULT_V3) and log["topics"][1] not in pairs:
                continue  # a row has room for two amounts
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


def _further(world: World) -> list[FurtherPool]:
    return [pool for pool in followed_pools(world) if isinstance(pool, FurtherPool)]


def _word(address: str) -> str:
    return "0x" + address[2:].rjust(64, "0")


def _is_of_coins(pool: FurtherPool) -> bool:
    return FOLLOWED[pool.protocol][0] in (None, "balancer_v2", "balancer_v3")


async def _unequal_coins(rpc: Rpc, book: PoolBook, pool: FurtherPool) -> list[str]:
    """Return what a Curve or Balancer pool's contract pays otherwise than we say: all it holds decides it."""
    kept, where = book.pools.get(pool_name(pool)), f"0x{pool_name(pool).hex()}"
    if not isinstance(kept, CoinsPool) or not kept.is_complete:
        return [f"{where}: its state is not known"]
    if kept.coins != [bytes.fromhex(token[2:]) for token in pool.tokens]:
        return [f"{where}: the world has coins {pool.tokens}, we have {[coin.hex() for coin in kept.coins]}"]
    venue, places = VENUES[pool.protocol], range(len(pool.tokens))
    legs = [
        Leg(coin_in, coin_out, kept.balances[coin_in] // share)
        for coin_in in places
        for coin_out in places
        if coin_in != coin_out
        for share in _SHARES
    ]
    asked = [{"to": pool.quoter, "data": venue.ask_out(pool, leg)} for leg in legs]
    told = await rpc.all([Call("eth_call", (one, "latest")) for one in asked])
    unequal: list[str] = []
    for leg, answer in zip(legs, told, strict=True):
        expected = venue.read_out(bytes.fromhex(answer[2:]), leg)
        found = kept.coin_out(leg.token_in, leg.token_out, leg.size)
        if found != expected:
            unequal.append(f"{where}: for {leg} the contract pays {expected}, we say {found}")
    return unequal


async def _unequal(rpc: Rpc, world: World, book: PoolBook, names: Sequence[bytes]) -> list[str]:
    """Return which pools' contracts have another state than we."""
    factories = known_factories(world_config(world))
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
    return unequal


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
