"""May a trade go ahead: judged against the limits, on paper as live, the most dangerous reason first."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct, field

from tidemill.execute.plan.route import Address
from tidemill.execute.signal import Signal

_BPS = 10_000


class TokenLimit(NamedTuple):
    """How much of a token may be borrowed, smallest units; None: no limit."""

    amount_max: int | None = None
    amount_a_day_max: int | None = None


class Limits(Struct, frozen=True, kw_only=True):
    """What no trade of one chain may go beyond; None: no limit."""

    slippage_max_bps: int
    """How much of the simulated profit may be gone when a trade is included."""
    open_max: int | None = None
    trades_a_day_max: int | None = None
    fee_a_day_max_wei: int | None = None
    gas_price_max_wei: int | None = None
    only_listed_tokens: bool = False
    tokens: Mapping[Address, TokenLimit] = field(default_factory=dict[Address, TokenLimit])
    routers: frozenset[Address] | None = None
    """The only ones that a signal may name."""


class DayUse(Struct, kw_only=True):
    """What one chain's trades took so far on one day."""

    day: int = 0
    """Since 1970-01-01 UTC."""
    trades: int = 0
    fee_wei: int = 0
    amounts: dict[str, int] = field(default_factory=dict[str, int])
    """Borrowed, by the token's 40 digits; JSON's keys are text."""


class Accept(NamedTuple):
    """It may be sent."""

    min_profit: int
    """With less it must revert; smallest units."""


class Refuse(NamedTuple):
    """It must not be sent."""

    reason: str


def refusal(signal: Signal, limits: Limits, use: DayUse, open_count: int) -> Refuse | None:
    """Judge what is asked for by itself, before anything is simulated; None: nothing forbids it so far."""
    token = limits.tokens.get(signal.token)
    if token is None and limits.only_listed_tokens:
        return Refuse(f"token 0x{signal.token.hex()} is not among those that may be borrowed")
    if limits.routers is not None:
        for router in signal.routers:
            if router not in limits.routers:
                return Refuse(f"router 0x{router.hex()} is not among those allowed")
    token = token or TokenLimit()
    if token.amount_max is not None and signal.amount > token.amount_max:
        return Refuse(f"amount {signal.amount} is above the limit of one trade, {token.amount_max}")
    taken = use.amounts.get(signal.token.hex(), 0)
    if token.amount_a_day_max is not None and taken + signal.amount > token.amount_a_day_max:
        return Refuse(f"amount {signal.amount} with today's {taken} is above {token.amount_a_day_max} a day")
    if limits.trades_a_day_max is not None and use.trades >= limits.trades_a_day_max:
        return Refuse(f"{use.trades} trades today are as many as are allowed")
    if limits.open_max is not None and open_count >= limits.open_max:
        return Refuse(f"{open_count} trades are under way, as many as are allowed")
    return None


def decide(signal: Signal, profit: int, fee: tuple[int, int], limits: Limits, use: DayUse) -> Accept | Refuse:
    """Judge a trade by its simulation: `profit` in smallest units, `fee` its gas and the price of it."""
    gas, gas_price_wei = fee
    if limits.gas_price_max_wei is not None and gas_price_wei > limits.gas_price_max_wei:
        return Refuse(f"a gas price of {gas_price_wei} wei is above the limit, {limits.gas_price_max_wei}")
    spent_wei = use.fee_wei + gas * gas_price_wei
    if limits.fee_a_day_max_wei is not None and spent_wei > limits.fee_a_day_max_wei:
        return Refuse(f"with its fee today's would be {spent_wei} wei, above {limits.fee_a_day_max_wei}")
    if profit <= 0:
        return Refuse("it would gain nothing")
    # Up: a trade never asks for less than the limit leaves.
    least = -(-profit * (_BPS - limits.slippage_max_bps) // _BPS)
    if signal.min_profit is None:
        return Accept(max(least, 1))
    if signal.min_profit < least:
        return Refuse(
            f"minProfit {signal.min_profit} allows a slippage above {limits.slippage_max_bps} bps:"
            f" expected {least} or more"
        )
    if signal.min_profit > profit:
        return Refuse(f"minProfit {signal.min_profit} is above what it would gain, {profit}")
    return Accept(max(signal.min_profit, 1))
