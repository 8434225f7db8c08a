"""An opportunity of two hops, a block and a risk, as a chain's run puts them on the bus."""

import msgspec

from tidemill.schema import derive
from tidemill.schema.events import Block, Opportunity, OpportunityHop, OpportunityKind, OpportunityRisk

SOURCE, CHAIN_ID = "ethereum", 1
POOLS = (bytes([1]) * 20, bytes([2]) * 20)
USDC, WETH = bytes([10]) * 20, bytes([11]) * 20
_AT = {"source": SOURCE, "chain_id": CHAIN_ID, "block_number": 100, "block_hash": bytes(32)}


def opportunity(name: int, found_ns: int, **changed: object) -> Opportunity:
    """One that leaves 50 USD of 20,000."""
    one = Opportunity(
        event_ns=found_ns,
        recv_ns=found_ns,
        **_AT,
        opportunity=bytes([name]) * 32,
        kind=OpportunityKind.PAIR_GAP,
        token=USDC,
        hop_count=2,
        rank=1,
        amount_in=20_000 * 10**6,
        gross_profit=60 * 10**6,
        flash_premium=0,
        gas=250_000,
        gas_price_wei=12_500_000_000,
        fee_wei=3_125_000_000_000_000,
        net_profit=50 * 10**6,
        net_profit_wei=50 * 10**18 // 3_000,
        net_profit_usd=50.0,
        usd_per_unit=1e-6,
    )
    return msgspec.structs.replace(one, **changed)


def hops(one: Opportunity, protocols: tuple[str, str] = ("uniswap_v2", "uniswap_v3")) -> list[OpportunityHop]:
    """Its swaps."""
    return [
        OpportunityHop(
            event_ns=one.event_ns,
            recv_ns=one.recv_ns,
            **_AT,
            opportunity=one.opportunity,
            hop=place,
            pool=POOLS[place],
            protocol=protocol,
            dex="made",
            token_in=(USDC, WETH)[place],
            token_out=(WETH, USDC)[place],
            amount_in=1,
            amount_out=1,
            ticks_crossed=0,
            called=POOLS[place],
            extra=f"0x{(3_000, 500)[place]:064x}",
        )
        for place, protocol in enumerate(protocols)
    ]


def block(now_ns: int) -> Block:
    """A block of 10 gwei, half full: so is the next."""
    return Block(
        event_ns=now_ns,
        recv_ns=now_ns,
        **_AT,
        parent_hash=bytes(32),
        base_fee_wei=10 * 10**9,
        gas_used=15_000_000,
        gas_limit=30_000_000,
        log_count=0,
    )


def risk(one: Opportunity, score: float | None) -> OpportunityRisk:
    """Its risk."""
    return OpportunityRisk(
        event_ns=one.event_ns,
        recv_ns=one.recv_ns,
        **_AT,
        opportunity=one.opportunity,
        risk_score=score,
        risk_parts=1,
    )


def batches(*events: msgspec.Struct) -> list[tuple[str, object]]:
    """Each as a batch of its topic."""
    return [(str(type(one).__struct_config__.tag), derive.to_batch([one])) for one in events]
