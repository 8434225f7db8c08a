"""When is an order large, when are trades one order, and what looks like manipulation: settings."""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from tidemill.schema.faults import Refused

_Count = Annotated[int, Meta(ge=1, le=1_000_000)]
_Ms = Annotated[int, Meta(ge=0, le=86_400_000)]
_Seconds = Annotated[int, Meta(ge=1, le=7 * 86_400)]
_Usd = Annotated[Decimal, Meta()]
_Share = Annotated[Decimal, Meta()]


class WhaleConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [whales]. Amounts are in quote, which is USD wherever collateral is a dollar."""

    join_ms: _Ms = 10_000
    """A wallet's trades in one token and on one side, each at most so long after the last, are one order. A
    split order's parts come in the next blocks, of 2 s on Polygon.
    """
    large_multiple: Annotated[int, Meta(ge=1, le=100_000)] = 20
    """An order is large where it is so many times the median of its market's latest orders..."""
    large_amount_min: _Usd = Decimal(1_000)
    """...and at least this: in a market of pennies nothing is large."""
    market_orders_min: _Count = 20
    """Fewer known orders of a market say nothing of what is usual there."""
    market_orders: _Count = 101
    """How many of a market's latest orders are kept for that; odd, so that the median is one of them."""
    ghost_after_s: _Seconds = 300
    """A match that no block had for so long is a ghost: blocks take 2 s, operators retry for a minute."""
    remember_s: _Seconds = 6 * 3_600
    """How long a trade is remembered, so that nobody tells it again: venues' pages go back far."""
    alert_amount_min: _Usd = Decimal(100)
    """Smaller trades are not looked at for manipulation."""
    wash_window_s: _Seconds = 3_600
    """Two wallets that trade one token back and forth within this time, so that next to nothing changed
    hands, look like wash trading; linked ones with each trade.
    """
    wash_trades_min: _Count = 4
    wash_net_share_max: _Share = Decimal("0.1")
    """Next to nothing: what is left of what went back and forth."""
    spike_window_s: _Seconds = 60
    spike_move: _Share = Decimal("0.10")
    """How far a price moves within that window where it is a spike; a share pays 1 at most."""
    spike_share: _Share = Decimal("0.5")
    """The share of the amount in that direction that one wallet, or linked ones, must have traded."""
    watch_layers: bool = False
    """Whether books are watched for layering: each change of a book is looked at then, and there are many."""
    layer_window_ms: _Ms = 30_000
    """Within this time levels come, a trade on the other side happens, and they go unfilled."""
    layer_levels_min: _Count = 3
    layer_size_multiple: Annotated[int, Meta(ge=1, le=10_000)] = 5
    """A level is large where it is so many times the median level of its book's latest changes."""
    funding_amount_min: _Usd = Decimal(10)
    """Less funds nobody: anyone can send dust first, and so hide who did."""
    hub_wallets_max: _Count = 20
    """Who funded more wallets than this is a bridge or a venue's purse, and links nobody."""
    copy_mode: Literal["paper", "live"] = "paper"
    """How whales are copied; live is refused without the execution server's limits."""
    copy_delay_ms: _Ms = 2_000
    """A copied whale is followed so long after its trade was told; by hand it takes longer."""
    copy_price_age_max_ms: _Ms = 5_000
    """A price that is older by then is none."""
    copy_size_share: _Share = Decimal("0.01")
    """How much of the whale's size a paper position takes."""
    copy_enabled: bool = True
    """Whether any whale is followed: those whose own switch says so."""
    copy_cost_max: Annotated[Decimal, Meta()] | None = None
    """What one position may cost, in quote: no more is bought than that leaves; absent: no bound."""


def check_whales(config: WhaleConfig) -> WhaleConfig:
    """Return `config` where it can be done. Raises: Refused, naming the key."""
    if config.copy_mode == "live":
        raise Refused(
            "whales.copy_mode: expected paper: live copies need the execution server and its limits, and none"
            " is configured"
        )
    for name in config.__struct_fields__:
        value = getattr(config, name)
        if isinstance(value, Decimal) and not (value.is_finite() and value >= 0):
            raise Refused(f"whales.{name}: expected a number that is not negative, found {value}")
    for name in ("copy_size_share", "copy_cost_max"):
        if getattr(config, name) == 0:
            raise Refused(f"whales.{name}: expected more than 0, found 0")
    return config
