"""What may the trades of each chain not go beyond, and how much of that is taken today?"""

from msgspec import Struct

from tidemill.core.clock import NS_PER_S
from tidemill.execute.chain_settings import ChainSettings
from tidemill.execute.deciding import DayUse, TokenLimit

_DAY_NS = 86_400 * NS_PER_S


class TokenLimitTold(Struct, frozen=True, kw_only=True):
    """How much of a token may be borrowed, smallest units; None: no limit."""

    token: str
    amount_max: str | None
    """Of one trade."""
    amount_a_day_max: str | None
    amount_today: str
    """Borrowed since the day began, UTC."""


class LimitsTold(Struct, frozen=True, kw_only=True):
    """What the trades of one chain are held against; None: no limit."""

    source: str
    """The chain's name."""
    chain_id: int
    slippage_max_bps: int
    """How much of the simulated profit may be gone when a trade is included."""
    open_max: int | None
    """Trades that are under way at a time."""
    open: int
    trades_a_day_max: int | None
    """By UTC's day."""
    trades_today: int
    fee_a_day_max_wei: str | None
    fee_today_wei: str
    gas_price_max_wei: str | None
    only_listed_tokens: bool
    """Whether only `tokens` may be borrowed."""
    tokens: list[TokenLimitTold]
    """Those that the settings name, and those that were borrowed today."""
    routers: list[str] | None
    """The only pools, vaults and routers that a signal may name; None: all."""


def told_limits(chain: ChainSettings, use: DayUse | None, open_count: int, now_ns: int) -> LimitsTold:
    """Return a chain's limits; `use` is what its trades took on their newest day."""
    limits = chain.limits
    if use is None or use.day < now_ns // _DAY_NS:
        use = DayUse()
    amounts = use.amounts
    named = dict.fromkeys([*limits.tokens, *map(bytes.fromhex, amounts)])
    return LimitsTold(
        source=chain.name,
        chain_id=chain.facts.chain_id,
        slippage_max_bps=limits.slippage_max_bps,
        open_max=limits.open_max,
        open=open_count,
        trades_a_day_max=limits.trades_a_day_max,
        trades_today=use.trades,
        fee_a_day_max_wei=_text(limits.fee_a_day_max_wei),
        fee_today_wei=str(use.fee_wei),
        gas_price_max_wei=_text(limits.gas_price_max_wei),
        only_listed_tokens=limits.only_listed_tokens,
        tokens=[
            _token(token, limits.tokens.get(token, TokenLimit()), amounts.get(token.hex(), 0))
            for token in named
        ],
        routers=None if limits.routers is None else sorted(f"0x{router.hex()}" for router in limits.routers),
    )


def _token(token: bytes, limit: TokenLimit, today: int) -> TokenLimitTold:
    return TokenLimitTold(
        token=f"0x{token.hex()}",
        amount_max=_text(limit.amount_max),
        amount_a_day_max=_text(limit.amount_a_day_max),
        amount_today=str(today),
    )


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)
