"""How much may the decision loop risk, and whom does it tell."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

LoanSourceName = Literal[
    "own_funds",
    "balancer_v3",
    "aave_v3",
    "balancer_v2",
    "uniswap_v3",
    "uniswap_v2",
    "morpho",
    "uniswap_v4",
]


class BrainSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [brain]."""

    server: str = "http://localhost:8545"
    """The execution server."""
    api_key: str | None = None
    """Sent to it, where it asks for one: of a trader."""
    loan_source: LoanSourceName = "balancer_v2"
    """Who lends: it takes no fee on most chains; the server knows its address there."""
    min_profit_usd: Annotated[float, Meta(ge=0)] = 1.0
    """After all costs: below, a wrong guess of gas outweighs it."""
    max_borrowed_usd: Annotated[float, Meta(gt=0)] = 100_000.0
    """Borrowed for one trade, at most."""
    max_risk_score: Annotated[float, Meta(ge=0, le=1)] = 0.9
    """Opportunities whose known risks make more are left; ones of which none is known are not."""
    max_gas_gwei: Annotated[float, Meta(gt=0)] = 200.0
    """Base fee and priority fee together."""
    max_age_ms: Annotated[int, Meta(ge=1, le=600_000)] = 12_000
    """Since the block's last frame was read: a block of Ethereum; afterwards others have had it."""
    risk_wait_ms: Annotated[int, Meta(ge=0, le=60_000)] = 250
    """How long an opportunity's risk is waited for, since its block was read."""
    max_signals_per_min: Annotated[int, Meta(ge=1, le=100_000)] = 60
