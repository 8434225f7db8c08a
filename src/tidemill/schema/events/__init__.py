"""Every public event, by tag; no other folder defines a column.

A tag is the name of the event's topic on the bus and of its table in the store.
"""

from msgspec import Struct

from tidemill.schema.events.chain import (
    Block,
    LiquidityChange,
    LiquidityKind,
    Pool,
    PoolState,
    Reorg,
    ReorgKind,
    StateCause,
    Swap,
    Token,
)
from tidemill.schema.events.derived import (
    AutopsyCause,
    Opportunity,
    OpportunityAutopsy,
    OpportunityHop,
    OpportunityKind,
)
from tidemill.schema.events.health import Coverage, CoverageStatus, Health, HealthState, Proof
from tidemill.schema.events.subgraph import (
    SubgraphBalance,
    SubgraphHead,
    SubgraphPool,
    SubgraphSwap,
    SubgraphSwapKind,
)

__all__ = [
    "EVENTS",
    "AutopsyCause",
    "Block",
    "Coverage",
    "CoverageStatus",
    "Health",
    "HealthState",
    "LiquidityChange",
    "LiquidityKind",
    "Opportunity",
    "OpportunityAutopsy",
    "OpportunityHop",
    "OpportunityKind",
    "Pool",
    "PoolState",
    "Proof",
    "Reorg",
    "ReorgKind",
    "StateCause",
    "SubgraphBalance",
    "SubgraphHead",
    "SubgraphPool",
    "SubgraphSwap",
    "SubgraphSwapKind",
    "Swap",
    "Token",
]


def _tag(event: type[Struct]) -> str:
    tag = event.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


EVENTS: dict[str, type[Struct]] = {
    _tag(event): event
    for event in (
        Block,
        Reorg,
        Pool,
        Token,
        Swap,
        LiquidityChange,
        PoolState,
        Opportunity,
        OpportunityHop,
        OpportunityAutopsy,
        Coverage,
        Health,
        SubgraphHead,
        SubgraphSwap,
        SubgraphPool,
        SubgraphBalance,
    )
}
"""Every event by its tag."""
