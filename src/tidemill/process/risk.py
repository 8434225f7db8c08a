"""Say what can go wrong with opportunities, by the features that a transaction which takes one would have."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from tidemill.process.features.book import FeatureBook
from tidemill.schema import derive
from tidemill.schema.events import Arbitrage, ArbitrageKind, OpportunityRisk

PARTS = (
    "sandwich_probability",
    "impermanent_loss_24h",
    "token_risk",
    "competition_risk",
    "execution_risk",
    "risk_score",
)
"""The features that a risk is made of; docs/guide/features.md has their formulas."""

Row = Mapping[str, Any]


def risks(book: FeatureBook, opportunities: Sequence[Row], hops: Iterable[Row]) -> pa.RecordBatch | None:
    """Return `opportunity_risk` of opportunities whose hops are all here; None where there are none.

    `opportunities` and `hops` are rows of `opportunity` and `opportunity_hop`, of the book's chain.
    """
    paths: dict[bytes, dict[int, Row]] = {}
    for hop in hops:
        paths.setdefault(hop["opportunity"], {})[hop["hop"]] = hop
    whole = [one for one in opportunities if len(paths.get(one["opportunity"], {})) == one["hop_count"]]
    if not whole:
        return None
    asked = [_asked(one, [hop for _, hop in sorted(paths[one["opportunity"]].items())]) for one in whole]
    found = book.peek(derive.to_batch(asked)).select([*PARTS, "risk_parts"]).to_pylist()
    return derive.to_batch(
        [_risk(one, parts, book.known_block) for one, parts in zip(whole, found, strict=True)]
    )


def _asked(opportunity: Row, hops: Sequence[Row]) -> Arbitrage:
    """Return the transaction that would take it; `account` is absent, as nobody has sent it."""
    return Arbitrage(
        event_ns=opportunity["event_ns"],
        recv_ns=opportunity["recv_ns"],
        source=opportunity["source"],
        chain_id=opportunity["chain_id"],
        block_number=opportunity["block_number"],
        block_hash=opportunity["block_hash"],
        tx_hash="",
        tx_index=0,
        kind=ArbitrageKind.ARBITRAGE,
        circle_count=1,
        hop_count=len(hops),
        protocols=",".join(hop["protocol"] for hop in hops),
        pools=",".join(f"0x{hop['pool'].hex()}" for hop in hops),
        tokens=",".join(f"0x{hop['token_in'].hex()}" for hop in hops),
        token=f"0x{opportunity['token'].hex()}",
        confidence=1.0,  # its amounts follow from the pools' states to the unit
    )


def _risk(opportunity: Row, parts: Mapping[str, float | None], known_block: int | None) -> OpportunityRisk:
    return OpportunityRisk(
        event_ns=opportunity["event_ns"],
        recv_ns=opportunity["recv_ns"],
        source=opportunity["source"],
        chain_id=opportunity["chain_id"],
        block_number=opportunity["block_number"],
        block_hash=opportunity["block_hash"],
        opportunity=opportunity["opportunity"],
        known_block_number=known_block,
        risk_parts=int(parts["risk_parts"] or 0),
        **{name: parts[name] for name in PARTS},
    )
