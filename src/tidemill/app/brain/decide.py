"""Is an opportunity to be traded: judged by what is known, without a clock and without asking anybody."""

from msgspec import Struct

from tidemill.app.brain.config import BrainSettings
from tidemill.learn.gas.trend import Forecast, Trend
from tidemill.learn.parameters.agent import ActionParams

WEI_PER_GWEI = 10**9
_HIGH = "0.95"


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of an opportunity when it is judged; None where that is not known."""

    found_ns: int
    """When the block's last frame was read."""
    amount_in: int
    """Borrowed, raw units."""
    gross_profit: int
    """Raw units of the same token; the lender's fee is not taken off."""
    flash_premium: int
    gas: int | None
    gas_price_wei: int | None
    net_profit: int | None
    net_profit_wei: int | None
    net_profit_usd: float | None
    usd_per_unit: float | None
    base_fee_gwei: float | None
    """Of the next block, as the newest one tells."""
    risk_score: float | None
    forecast: Forecast | None
    params: ActionParams
    market_state: str
    unspellable: str | None = None
    """Why no signal can be made of it."""


class Send(Struct, frozen=True):
    """It is to be traded."""

    expected_profit_usd: float
    min_profit: int | None
    """Raw units; None: the server's own limit of slippage says."""
    reason: str


class Refuse(Struct, frozen=True):
    """It is not."""

    reason: str
    expected_profit_usd: float | None = None


def decide(facts: Facts, limits: BrainSettings, now_ns: int, signals_last_min: int) -> Send | Refuse:
    """Judge an opportunity, the plainest reason first."""
    age_ms = (now_ns - facts.found_ns) / 1_000_000
    if age_ms > limits.max_age_ms:
        return Refuse(f"it is {age_ms:.0f} ms old, more than {limits.max_age_ms}")
    if facts.unspellable is not None:
        return Refuse(facts.unspellable)
    known = _valued(facts)
    if known is None:
        return Refuse("what it leaves after gas is not known in dollars")
    borrowed_usd, profit_usd = known
    if borrowed_usd > limits.max_borrowed_usd:
        return Refuse(
            f"it borrows {borrowed_usd:.0f} USD, more than {limits.max_borrowed_usd:.0f}", profit_usd
        )
    if facts.risk_score is not None and facts.risk_score > limits.max_risk_score:
        return Refuse(f"its risk is {facts.risk_score:.2f}, more than {limits.max_risk_score}", profit_usd)
    gas_gwei = (facts.base_fee_gwei or 0) + facts.params["priority_fee"]
    if gas_gwei > limits.max_gas_gwei:
        return Refuse(f"gas would cost {gas_gwei:.4g} gwei, more than {limits.max_gas_gwei:.4g}", profit_usd)
    if profit_usd < limits.min_profit_usd:
        return Refuse(f"it leaves {profit_usd:.4g} USD, less than {limits.min_profit_usd:.4g}", profit_usd)
    dear = _dear_gas(facts, profit_usd)
    if dear is not None:
        return Refuse(dear, profit_usd)
    if signals_last_min >= limits.max_signals_per_min:
        return Refuse(
            f"{signals_last_min} signals were sent in the last minute, the most allowed", profit_usd
        )
    return Send(profit_usd, _min_profit(facts), f"it leaves {profit_usd:.4g} USD at {gas_gwei:.4g} gwei")


def _min_profit(facts: Facts) -> int | None:
    """Return the least that is taken; None where slippage would allow to lose most of it."""
    profit = facts.gross_profit - facts.flash_premium
    least = profit - int(facts.amount_in * facts.params["slippage"] / 100)
    return least if 2 * least >= profit else None


def _valued(facts: Facts) -> tuple[float, float] | None:
    """Return what is borrowed and what is left with the chosen fee, USD; None where that is not known."""
    usd_per_wei = _usd_per_wei(facts)
    if facts.usd_per_unit is None or facts.net_profit_usd is None:
        return None
    if facts.gas is None or facts.gas_price_wei is None or facts.base_fee_gwei is None or usd_per_wei is None:
        return None
    chosen_wei = (facts.base_fee_gwei + facts.params["priority_fee"]) * WEI_PER_GWEI
    more_wei = facts.gas * (chosen_wei - facts.gas_price_wei)
    return facts.amount_in * facts.usd_per_unit, facts.net_profit_usd - more_wei * usd_per_wei


def _usd_per_wei(facts: Facts) -> float | None:
    if not facts.net_profit_wei or facts.net_profit_usd is None:
        return None
    return facts.net_profit_usd / facts.net_profit_wei


def _dear_gas(facts: Facts, profit_usd: float) -> str | None:
    """Return why gas that is expected to rise leaves nothing; None where it does leave something."""
    usd_per_wei = _usd_per_wei(facts)
    if facts.forecast is None or facts.forecast.trend is not Trend.RISING:
        return None
    assert facts.gas is not None
    assert facts.base_fee_gwei is not None
    assert usd_per_wei is not None
    high_gwei = facts.forecast.quantiles_gwei[_HIGH]
    more_usd = facts.gas * (high_gwei - facts.base_fee_gwei) * WEI_PER_GWEI * usd_per_wei
    if more_usd <= profit_usd:
        return None
    chance = facts.forecast.probabilities[Trend.RISING]
    return f"gas is rising ({chance:.0%}): at {high_gwei:.4g} gwei it would lose"
