"""Events to store, made from small numbers."""

from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from tidemill.schema.events import (
    ArbitrageKind,
    ArbitrageTransaction,
    Block,
    PoolState,
    Reorg,
    ReorgKind,
    Side,
    StateCause,
    Swap,
    TokenTrial,
    WalletTrade,
)

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


def arbitrage(number: int, **changes: Any) -> Struct:
    """Return the record of an arbitrage: two in a block, a block a minute; each third lost."""
    facts: dict[str, Any] = {
        "event_ns": START_NS + number // 2 * 60_000_000_000,
        "recv_ns": START_NS,
        "source": "sandbox",
        "chain_id": 31337,
        "block_number": number // 2,
        "block_hash": (number // 2).to_bytes(32, "big"),
        "tx_hash": f"0x{number:064x}",
        "tx_index": number % 2,
        "kind": ArbitrageKind.ARBITRAGE if number % 3 else ArbitrageKind.LOSING_CIRCLE,
        "circle_count": 1,
        "hop_count": 2,
        "protocols": "uniswap_v2,uniswap_v3",
        "pools": "0x01,0x02",
        "tokens": "0x03,0x04",
        "net_profit_native_wei": number * 10**18 if number % 3 else -(10**15),
        "net_profit_usd": number * 2.5 if number % 3 else None,
        "gas_used": 200_000,
        "gas_cost_wei": 10**15,
    }
    return ArbitrageTransaction(**(facts | changes))


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


def trial(number: int) -> TokenTrial:
    """A trial of one token, which its time alone tells from others."""
    return TokenTrial(
        event_ns=START_NS + number,
        recv_ns=START_NS,
        source="sandbox",
        chain_id=31337,
        token=b"\x01" * 20,
        holder=b"\x02" * 20,
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
