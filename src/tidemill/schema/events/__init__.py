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
    TokenNature,
    TokenTrial,
)
from tidemill.schema.events.derived import (
    AutopsyCause,
    Opportunity,
    OpportunityAutopsy,
    OpportunityHop,
    OpportunityKind,
)
from tidemill.schema.events.health import Coverage, CoverageStatus, Health, HealthState, Proof
from tidemill.schema.events.market import (
    BookCause,
    BookChange,
    BookSide,
    BookSnapshot,
    BookState,
    BookStatus,
    BookTop,
    FillStatus,
    HashCheck,
    Market,
    MarketChange,
    MarketStatus,
    OrderChange,
    OwnFill,
    OwnOrder,
    ReferencePrice,
    Side,
    TopCause,
    Trade,
    TradeRole,
    WalletTrade,
)
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
    "BookCause",
    "BookChange",
    "BookSide",
    "BookSnapshot",
    "BookState",
    "BookStatus",
    "BookTop",
    "Coverage",
    "CoverageStatus",
    "FillStatus",
    "HashCheck",
    "Health",
    "HealthState",
    "LiquidityChange",
    "LiquidityKind",
    "Market",
    "MarketChange",
    "MarketStatus",
    "Opportunity",
    "OpportunityAutopsy",
    "OpportunityHop",
    "OpportunityKind",
    "OrderChange",
    "OwnFill",
    "OwnOrder",
    "Pool",
    "PoolState",
    "Proof",
    "ReferencePrice",
    "Reorg",
    "ReorgKind",
    "Side",
    "StateCause",
    "SubgraphBalance",
    "SubgraphHead",
    "SubgraphPool",
    "SubgraphSwap",
    "SubgraphSwapKind",
    "Swap",
    "Token",
    "TokenNature",
    "TokenTrial",
    "TopCause",
    "Trade",
    "TradeRole",
    "WalletTrade",
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
        TokenTrial,
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
        BookSnapshot,
        BookChange,
        BookTop,
        BookStatus,
        Trade,
        WalletTrade,
        Market,
        MarketStatus,
        OwnOrder,
        OwnFill,
        ReferencePrice,
    )
}
"""Every event by its tag."""
