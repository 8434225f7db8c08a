"""How fast the traders act: one block at a time, its transactions sent together, at a set rate."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import ceil

import msgspec
from msgspec import Struct

from tidemill.sandbox import abi
from tidemill.sandbox.atomic import EXECUTED, atomic_arbitrages
from tidemill.sandbox.further_crowd import FurtherCrowd
from tidemill.sandbox.market import MarketReader, Quote, unit_prices
from tidemill.sandbox.moves import Move
from tidemill.sandbox.rpc import Call, Rpc, RpcError
from tidemill.sandbox.site import FEES
from tidemill.sandbox.strategy import Crowd, Position
from tidemill.sandbox.world import Protocol, World
from tidemill.schema.faults import Refused

_INCREASED = abi.topic("IncreaseLiquidity(uint256,uint128,uint256,uint256)")
_SWAPS = (
    abi.topic("Swap(address,uint256,uint256,uint256,uint256,address)"),
    abi.topic("Swap(address,address,int256,int256,uint160,uint128,int24)"),
)
_FURTHER_SWAPS = frozenset(
    abi.topic(signature)
    for signature in (
        "Swap(address,address,int256,int256,uint160,uint128,int24)",
        "Swap(address,address,int256,int256,uint160,uint128,int24,uint128,uint128)",
        "Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)",
        "Swap(bytes32,address,address,uint256,uint256)",
        "TokenExchange(address,int128,uint256,int128,uint256)",
        "Swap(address,address,address,uint256,uint256,uint256,uint256)",
    )
)
"""Algebra's is spelled as V3's; then Pancake's, V4's, Balancer V2's, Curve's, Balancer V3's."""
_GAS_LIMIT = hex(3_000_000)
_REFUSALS_MAX = 20
"""In a row: no reorg lasts that many blocks."""
_BLOCKS_MADE_UP = 4
"""A block that comes late carries what its time allows, up to this many blocks' worth."""


class TraderOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The traders' pace."""

    swaps_per_s: float = 40
    """Swaps sent; a few go through two pools, and what the chain reverts is counted apart."""
    block_ms: int = 250
    """Between blocks: as on a fast rollup."""
    arbitrage_percent: int = 30
    """Of the swaps, at most: fewer where there are no gaps."""
    atomic_percent: int = 0
    """Of the arbitrages, at most: made by a contract in one transaction through two pools of a pair."""
    liquidity_percent: int = 2
    """Additions and removals of liquidity, relative to the swaps."""
    further_percent: int = 15
    """Swaps in pools of further kinds, beside `swaps_per_s` and relative to it; 0: nobody trades there."""
    further_protocols: tuple[Protocol, ...] | None = None
    """Which of the further kinds are traded; None: all."""
    seed: int = 1
    """Same seed and same chain, same wishes."""


class TraderCounts(Struct):
    """What has happened so far; the traders keep it up to date."""

    blocks: int = 0
    sent: int = 0
    rejected: int = 0
    """Refused by the node before they were in a block."""
    reverted: int = 0
    swaps: int = 0
    """Swap logs of Uniswap V2 and V3 pools mined."""
    further_swaps: int = 0
    """Swap logs of pools of further kinds mined."""
    further_sent: int = 0
    arbitrages_sent: int = 0
    atomic_sent: int = 0
    atomic_paid: int = 0
    """Mined with a profit; the others were reverted."""
    liquidity_sent: int = 0
    refused_blocks: int = 0
    """Blocks given up because the node refused a question, as in the middle of a reorg."""
    late_blocks: int = 0
    """Blocks begun more than a block time after their turn."""


class _Log(Struct, rename="camel"):
    address: str
    topics: list[str]
    data: str
    transaction_hash: str


class _Block(Struct):
    hash: str
    transactions: list[str]


async def trade(
    world: World,
    options: TraderOptions,
    counts: TraderCounts,
    between_blocks: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Trade until cancelled; what the node refuses or the chain reverts is counted.

    `between_blocks` is awaited after each block, when nothing is under way: the place for a reorg.

    Raises: Unreachable where the node is gone, Refused where it refuses block after block.
    """
    clock = asyncio.get_running_loop()
    block_s = options.block_ms / 1_000
    async with Rpc(world.http_url) as rpc:
        floor = _Floor(world, options, counts, rpc)
        last_s = turn_s = clock.time()
        refusals = 0
        while True:
            await asyncio.sleep(turn_s - clock.time())
            now_s = clock.time()
            elapsed_s, last_s = min(now_s - last_s, _BLOCKS_MADE_UP * block_s), now_s
            try:
                await floor.trade_block(elapsed_s)
                refusals = 0
                if between_blocks is not None:
                    await between_blocks()
            except Refused:  # in the middle of a reorg the node knows no latest block for a moment
                counts.refused_blocks += 1
                refusals += 1
                if refusals == _REFUSALS_MAX:
                    raise
            late = now_s - turn_s > block_s
            counts.late_blocks += late
            turn_s = now_s + block_s if late else turn_s + block_s


class _Floor:
    """Where wishes become transactions and blocks."""

    def __init__(self, world: World, options: TraderOptions, counts: TraderCounts, rpc: Rpc) -> None:
        self._world = world
        self._accounts = world.accounts
        self._manager = world.position_manager
        self._options = options
        self._counts = counts
        self._rpc = rpc
        self._crowd = Crowd(world, options.seed)
        self._reader = MarketReader(world)
        self._further = FurtherCrowd(world, options.seed, options.further_protocols)
        self._further_addresses = {pool.vault or pool.address for pool in world.further_pools}
        self._anchor = world.token("USDC").address
        self._swaps_owed = self._liquidity_owed = 0.0
        self._further_owed = self._further_liquidity_owed = 0.0

    async def trade_block(self, elapsed_s: float) -> None:
        """Send what the traders wish after `elapsed_s` and mine it."""
        self._crowd.pass_time(elapsed_s)
        quotes = await self._reader.read(self._rpc)
        count = self._due(elapsed_s)
        moves = self._wishes(quotes, count) + await self._further_wishes(quotes, count)
        await self._send(moves)
        await self._rpc.call("evm_mine")
        await self._account()
        self._counts.blocks += 1

    def _due(self, elapsed_s: float) -> int:
        """Return how many swaps are due, whole ones."""
        self._swaps_owed += self._options.swaps_per_s * elapsed_s
        count, self._swaps_owed = int(self._swaps_owed), self._swaps_owed % 1
        return count

    async def _further_wishes(self, quotes: Sequence[Quote], count: int) -> list[Move]:
        self._further_owed += count * self._options.further_percent / 100
        due, self._further_owed = int(self._further_owed), self._further_owed % 1
        if not quotes or not due:
            return []
        prices = unit_prices(quotes, self._anchor)
        most = ceil(due * self._options.arbitrage_percent / 100)
        moves = self._further.arbitrages(await self._further.read(self._rpc), prices, most)
        self._counts.arbitrages_sent += len(moves)
        moves += self._further.noise(due - len(moves))
        self._counts.further_sent += len(moves)
        self._further_liquidity_owed += due * self._options.liquidity_percent / 100
        while self._further_liquidity_owed >= 1:
            self._further_liquidity_owed -= 1
            self._counts.liquidity_sent += 1
            moves.append(self._further.liquidity())
        return moves

    def _wishes(self, quotes: Sequence[Quote], count: int) -> list[Move]:
        options = self._options
        self._liquidity_owed += count * options.liquidity_percent / 100
        if not quotes:
            return []
        most = ceil(count * options.arbitrage_percent / 100)
        moves, taken = atomic_arbitrages(self._world, quotes, int(most * options.atomic_percent / 100 + 0.5))
        self._counts.atomic_sent += len(moves)
        left = [quote for quote in quotes if quote.pool.address not in taken]
        moves += self._crowd.arbitrages(left, most - len(moves))
        self._counts.arbitrages_sent += len(moves)
        moves += self._crowd.noise(quotes, count - len(moves))
        while self._liquidity_owed >= 1:
            changes = self._crowd.liquidity(quotes)
            self._liquidity_owed -= 1
            self._counts.liquidity_sent += len(changes)
            moves += changes
        return moves

    async def _send(self, moves: Sequence[Move]) -> None:
        # The nonces are asked for each time: a reorg or a refusal changes them behind our back.
        senders = sorted({move.sender for move in moves})
        nonces = await self._rpc.all([Call("eth_getTransactionCount", [one, "pending"]) for one in senders])
        following = {sender: int(nonce, 16) for sender, nonce in zip(senders, nonces, strict=True)}
        calls: list[Call] = []
        for move in moves:
            transaction = {"from": move.sender, "to": move.to, "data": move.data, "gas": _GAS_LIMIT, **FEES}
            transaction["nonce"] = hex(following[move.sender])
            following[move.sender] += 1
            calls.append(Call("eth_sendTransaction", [transaction]))
        answers = await self._rpc.each(calls)
        self._counts.sent += len(answers)
        self._counts.rejected += sum(isinstance(answer, RpcError) for answer in answers)

    async def _account(self) -> None:
        """Count what the newest block did and note the positions that the provider minted in it.

        All that traders do leaves a log. The node takes a hundred times as long for its receipts.
        """
        found = await self._rpc.call("eth_getBlockByNumber", "latest", False)
        if found is None:
            return  # a reorg just took it
        block = msgspec.convert(found, _Block)
        asked = await self._rpc.call("eth_getLogs", {"blockHash": block.hash})
        logs = msgspec.convert(asked or [], list[_Log])
        self._counts.reverted += len(set(block.transactions) - {log.transaction_hash for log in logs})
        for log in logs:
            if log.address in self._further_addresses:
                self._counts.further_swaps += log.topics[0] in _FURTHER_SWAPS
            elif log.topics[0] in _SWAPS:
                self._counts.swaps += 1
            elif log.topics[0] == EXECUTED:
                self._counts.atomic_paid += 1
            elif log.topics[0] == _INCREASED:
                (liquidity, *_) = abi.decode(["uint128", "uint256", "uint256"], log.data)
                self._crowd.positions.append(Position(int(log.topics[1], 16), liquidity))
