"""Every public event, by tag; no other folder defines a column.

A tag is the name of the event's topic on the bus and of its table in the store.
"""

from msgspec import Struct

from tidemill.schema.events.arbitrage import (
    Arbitrage,
    ArbitrageKind,
    ArbitrageTransaction,
    CircleShape,
    OpportunityRisk,
    SandwichRole,
)
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
from tidemill.schema.events.decision import Decision, DecisionState
from tidemill.schema.events.derived import (
    AutopsyCause,
    Opportunity,
    OpportunityAutopsy,
    OpportunityHop,
    OpportunityKind,
)
from tidemill.schema.events.execution import Execution, ExecutionMode, ExecutionSource, ExecutionState
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
from tidemill.schema.events.whale import (
    AlertKind,
    CopyPrice,
    CopyStatus,
    PositionChange,
    SettlementState,
    WhaleAlert,
    WhaleCopy,
    WhaleLink,
    WhaleOrder,
    WhaleOrderStatus,
    WhalePosition,
    WhaleReason,
    WhaleSettlement,
    WhaleTrade,
)

__all__ = [
    "DERIVED",
    "EVENTS",
    "AlertKind",
    "Arbitrage",
    "ArbitrageKind",
    "ArbitrageTransaction",
    "AutopsyCause",
    "Block",
    "BookCause",
    "BookChange",
    "BookSide",
    "BookSnapshot",
    "BookState",
    "BookStatus",
    "BookTop",
    "CircleShape",
    "CopyPrice",
    "CopyStatus",
    "Coverage",
    "CoverageStatus",
    "Decision",
    "DecisionState",
    "Execution",
    "ExecutionMode",
    "ExecutionSource",
    "ExecutionState",
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
    "OpportunityRisk",
    "OrderChange",
    "OwnFill",
    "OwnOrder",
    "Pool",
    "PoolState",
    "PositionChange",
    "Proof",
    "ReferencePrice",
    "Reorg",
    "ReorgKind",
    "SandwichRole",
    "SettlementState",
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
    "WhaleAlert",
    "WhaleCopy",
    "WhaleLink",
    "WhaleOrder",
    "WhaleOrderStatus",
    "WhalePosition",
    "WhaleReason",
    "WhaleSettlement",
    "WhaleTrade",
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
        Arbitrage,
        ArbitrageTransaction,
        OpportunityRisk,
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
        WhaleTrade,
        WhaleSettlement,
        WhaleOrder,
        WhalePosition,
        WhaleAlert,
        WhaleLink,
        WhaleCopy,
        Execution,
        Decision,
    )
}
"""Every event by its tag."""

DERIVED = frozenset(
    map(_tag, (Opportunity, OpportunityHop, OpportunityAutopsy, OpportunityRisk, ArbitrageTransaction))
)
"""Tags of the events that are computed of others, in bulk."""
