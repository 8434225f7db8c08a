"""Events to store, made from small numbers."""

from decimal import Decimal
from typing import Any

import msgspec

from tidemill.schema.events import Block, PoolState, Reorg, ReorgKind, Side, StateCause, Swap, WalletTrade

START_NS = 1_700_000_000_000_000_000


def swap(number: int, **changes: Any) -> Swap:
    made = Swap(
        event_ns=START_NS + number,
        recv_ns=START_NS + number + 5,
        source="sandbox",
        chain_id=31337,
        block_number=number // 4,
        block_hash=(number // 4).to_bytes(32, "big"),
        tx_hash=number.to_bytes(32, "big"),
        tx_index=number % 4,
        log_index=number % 4,
        pool=(number % 3).to_bytes(20, "big"),
        protocol="uniswap_v3",
        dex="uniswap",
        sender=b"\x01" * 20,
        recipient=b"\xff" * 20,
        amount0_in=number,
        amount1_in=0,
        amount0_out=0,
        amount1_out=2 * number,
        sqrt_price_x96=None if number % 2 else 1 << 96,
        liquidity=None if number % 2 else 10**18,
        tick=None if number % 2 else -number,
    )
    return msgspec.structs.replace(made, **changes)


def block(number: int) -> Block:
    return Block(
        event_ns=START_NS + number,
        recv_ns=START_NS + number,
        source="sandbox",
        chain_id=31337,
        block_number=number,
        block_hash=number.to_bytes(32, "big"),
        parent_hash=max(number - 1, 0).to_bytes(32, "big"),
        gas_used=1,
        gas_limit=2,
        log_count=4,
    )


def reorg(number: int, kind: ReorgKind, sequence: int) -> Reorg:
    return Reorg(
        event_ns=START_NS,
        recv_ns=START_NS,
        source="sandbox",
        chain_id=31337,
        block_number=number,
        block_hash=number.to_bytes(32, "big"),
        kind=kind,
        sequence=sequence,
    )


def state(pool: int) -> PoolState:
    """A pool as it was read, which no log caused."""
    return PoolState(
        event_ns=START_NS,
        recv_ns=START_NS,
        source="sandbox",
        chain_id=31337,
        block_number=1,
        block_hash=b"\x01" * 32,
        pool=pool.to_bytes(20, "big"),
        protocol="uniswap_v2",
        dex="uniswap",
        cause=StateCause.BOOTSTRAP,
        sequence=0,
        reserve0=1,
        reserve1=2,
    )


def wallet_trade(row: int, **changes: Any) -> WalletTrade:
    """A trade that a venue told; with a block, one that a chain did."""
    made = WalletTrade(
        event_ns=START_NS,
        recv_ns=START_NS,
        source="sandbox",
        connection="c",
        sequence=1,
        row=row,
        channel="trades",
        instrument="7",
        wallet=b"\x0a" * 20,
        side=Side.BUY,
        price=Decimal("0.5"),
        size=Decimal(3),
    )
    return msgspec.structs.replace(made, **changes)
