"""A made-up chain: blocks with swaps, pool states and arbitrages of them, from a seed."""

import random
from typing import NamedTuple

import pyarrow as pa

from tidemill.process.features.book import FeatureBook, Taken
from tidemill.schema import derive
from tidemill.schema.events import (
    Arbitrage,
    ArbitrageKind,
    Block,
    CircleShape,
    PoolState,
    Reorg,
    ReorgKind,
    SandwichRole,
    StateCause,
    Swap,
)

SECOND_NS = 10**9
POOLS = [bytes([at]) * 20 for at in range(1, 6)]
_TOKENS = [f"0x{at:040x}" for at in range(1, 4)]
_BEGAN_S = 1_700_000_000


class MadeBlock(NamedTuple):
    """The batches of one block, by topic."""

    number: int
    batches: dict[str, pa.RecordBatch]


def block_hash(number: int, branch: int = 0) -> bytes:
    return number.to_bytes(8, "big") + bytes([branch]) * 24


def _identity(number: int, interval_s: int, branch: int) -> dict[str, object]:
    event_ns = (_BEGAN_S + number * interval_s) * SECOND_NS
    return {
        "event_ns": event_ns,
        "recv_ns": event_ns + 1,
        "source": "made",
        "chain_id": 1,
        "block_number": number,
        "block_hash": block_hash(number, branch),
    }


def _swap(dice: random.Random, identity: dict[str, object], tx_index: int, log_index: int) -> Swap:
    amount0, amount1 = dice.randrange(10**15, 10**18), dice.randrange(10**15, 10**18)
    is_in = dice.random() < 0.5
    return Swap(
        **identity,
        tx_hash=dice.randbytes(32),
        tx_index=tx_index,
        log_index=log_index,
        pool=dice.choice(POOLS),
        protocol="uniswap_v2",
        dex="made",
        amount0_in=amount0 if is_in else 0,
        amount1_in=0 if is_in else amount1,
        amount0_out=0 if is_in else amount0,
        amount1_out=amount1 if is_in else 0,
    )


def _state(dice: random.Random, identity: dict[str, object], log_index: int) -> PoolState:
    is_ticked = dice.random() < 0.5
    return PoolState(
        **identity,
        log_index=log_index,
        pool=dice.choice(POOLS),
        protocol="uniswap_v3" if is_ticked else "uniswap_v2",
        dex="made",
        cause=StateCause.LOG,
        sequence=log_index,
        reserve0=None if is_ticked else dice.randrange(10**18, 10**20),
        reserve1=None if is_ticked else dice.randrange(10**18, 10**20),
        sqrt_price_x96=dice.randrange(2**95, 2**97) if is_ticked else None,
        liquidity=dice.randrange(10**18, 10**20) if is_ticked else None,
    )


def _arbitrage(dice: random.Random, identity: dict[str, object], tx_index: int) -> Arbitrage:
    hops = dice.randint(2, 3)
    amount_in, profit = dice.randrange(10**17, 10**19), dice.randrange(-(10**15), 10**17)
    is_failed = dice.random() < 0.2
    base_fee, priority_fee = dice.randrange(10**9, 10**11), dice.randrange(0, 10**10)
    return Arbitrage(
        **identity,
        tx_hash=f"0x{dice.randbytes(32).hex()}",
        tx_index=tx_index,
        kind=ArbitrageKind.FAILED_ARBITRAGE if is_failed else ArbitrageKind.ARBITRAGE,
        shape=CircleShape.CHAIN,
        sandwich_role=dice.choice([None, None, None, SandwichRole.BACK, SandwichRole.VICTIM]),
        sender=f"0x{dice.randrange(3):040x}",
        contract=f"0x{dice.randrange(3):040x}",
        account=f"0x{dice.randrange(3):040x}",
        circle_count=1,
        hop_count=hops,
        protocols=",".join(["uniswap_v2"] * hops),
        pools=",".join(f"0x{dice.choice(POOLS).hex()}" for _ in range(hops)),
        tokens=",".join(_TOKENS[:hops]),
        token=_TOKENS[0],
        amount_in=amount_in,
        amount_out=amount_in + profit,
        profit=profit,
        gas_used=dice.randrange(100_000, 500_000),
        gas_price_wei=base_fee + priority_fee,
        base_fee_wei=base_fee,
        priority_fee_wei=priority_fee,
        tip_wei=dice.choice([None, 0, dice.randrange(10**16)]),
        profit_native_wei=dice.choice([None, profit]),
        confidence=dice.random(),
    )


def made_block(
    number: int, seed: int = 0, *, interval_s: int = 2, branch: int = 0, rows: int = 6
) -> MadeBlock:
    """Return a block that is a function of its number, its branch and the seed."""
    dice = random.Random(f"{seed}/{number}/{branch}")
    identity = _identity(number, interval_s, branch)
    block = Block(
        **identity,
        parent_hash=block_hash(number - 1, branch),
        base_fee_wei=dice.randrange(10**9, 10**11),
        gas_used=dice.randrange(30_000_000),
        gas_limit=30_000_000,
        log_count=rows,
    )
    events = {
        "block": [block],
        "swap": [_swap(dice, identity, dice.randrange(8), at) for at in range(rows)],
        "pool_state": [_state(dice, identity, at) for at in range(rows // 2)],
        "arbitrage": [
            _arbitrage(dice, identity, at) for at in sorted(dice.sample(range(8), dice.randint(0, 2)))
        ],
    }
    return MadeBlock(number, {topic: derive.to_batch(made) for topic, made in events.items() if made})


def taken(blocks: list[MadeBlock], offset: int = 0) -> list[Taken]:
    """Return what a run reads of the bus, had each block been committed in turn."""
    return [
        Taken(topic, offset + at, batch)
        for at, one in enumerate(blocks)
        for topic, batch in one.batches.items()
    ]


def reorg_batch(number: int, kind: ReorgKind, *, branch: int = 0, sequence: int = 1) -> pa.RecordBatch:
    identity = _identity(number, 2, branch)
    return derive.to_batch([Reorg(**identity, kind=kind, sequence=sequence)])


def take(book: FeatureBook, batches: list[Taken]) -> list[pa.RecordBatch]:
    """Take batches as a run does."""
    records = book.take(batches)
    book.mark()
    return records
