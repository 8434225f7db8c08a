"""What does Polymarket's reader have to be told: where it is, which tokens, how long silence may last."""

from typing import Annotated

from msgspec import Meta, Struct

from tidemill.core.endpoint import redact_url
from tidemill.schema.faults import Refused

Positive = Annotated[int, Meta(ge=1, le=1 << 32)]
NotNegative = Annotated[int, Meta(ge=0, le=1 << 32)]


class PolymarketConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [venues.polymarket]."""

    enabled: bool = False
    """Whether `tidemill up` reads it."""
    ws_url: str = "wss://ws-subscriptions-clob.polymarket.com/ws"
    """Before the channel's name, `/market` or `/user`, which is added."""
    http_url: str = "https://clob.polymarket.com"
    """Answers with whole books."""
    directory_url: str = "https://gamma-api.polymarket.com"
    """Lists the markets."""
    data_url: str = "https://data-api.polymarket.com"
    """Answers with trades and their wallets."""
    live_url: str = "wss://ws-live-data.polymarket.com"
    """The live feed, which the venue no longer documents."""
    tokens: tuple[str, ...] = ()
    """Tokens whose books are read, beside those of the markets."""
    slugs: tuple[str, ...] = ()
    """Markets whose books are read, by their names in addresses."""
    markets_max: NotNegative = 100
    """So many of the most traded markets are read, beside those that are named; 0 for none."""
    live_topics: tuple[str, ...] = ()
    """What is heard of the live feed, as topic.type: activity.orders_matched, activity.trades,
    crypto_prices.update. Of activity.trades nothing came since March 2026."""
    read_trades: bool = False
    """Whether the Data API is asked for trades with their wallets."""
    trades_poll_ms: Positive = 2_000
    """How often; it takes 200 questions in 10 s of all who share the address."""
    trades_per_question: Annotated[int, Meta(ge=1, le=500)] = 500
    trade_usd_min: NotNegative = 0
    """Smaller trades are not asked for."""
    api_key: str | None = None
    """With the two below, an own account's orders and fills are read; write ${NAME}."""
    secret: str | None = None
    passphrase: str | None = None
    tokens_per_connection: Annotated[int, Meta(ge=1, le=500)] = 500
    """Beyond 500, the venue tells no changes."""
    tokens_per_frame: Annotated[int, Meta(ge=1, le=500)] = 100
    """A subscription of thousands makes the venue end the connection."""
    ping_interval_ms: Positive = 10_000
    live_ping_interval_ms: Positive = 5_000
    pong_timeout_ms: Positive = 30_000
    """A connection whose PING is not answered for so long is lost."""
    silence_ms: Positive = 30_000
    """After so long without a message the books are asked for; with news in them, the connection is lost."""
    sync_timeout_ms: Positive = 2_000
    """Books that did not come so long after their subscription are asked for."""
    reconnect_first_ms: Positive = 250
    reconnect_max_ms: Positive = 4_000
    """Data must flow again 5 s after the venue is back."""
    answer_timeout_ms: Positive = 5_000
    books_per_question: Annotated[int, Meta(ge=1, le=500)] = 100
    resync_pause_ms: Positive = 250
    """Between two questions for books; the venue takes 500 in 10 s."""
    audit_ms: Positive = 1_000
    """How often some of the books that seem right are asked for: what a lost change left wrong deep in a book
    is found so."""
    directory_poll_ms: Positive = 60_000
    """How often the directory is asked what is new."""
    best_price_strikes_max: Positive = 10
    """So many changes in a row whose best prices are not the kept book's mean that it lacks one."""
    check_hash: bool = True
    """Whether a book's hash is compared with that of what came, where all that it is made of came: what REST
    answers has it, what sockets tell lacks some. One that differs is a fault, and the book is kept."""
    ghost_after_ms: Positive = 120_000
    """An own fill that was matched and is not settled so long after is told as a ghost."""


def check_polymarket(config: PolymarketConfig) -> PolymarketConfig:
    """Return `config` where its parts fit together. Raises: Refused, naming the keys."""
    where = "venues.polymarket"
    for key, scheme in (
        ("ws_url", "ws"),
        ("live_url", "ws"),
        ("http_url", "http"),
        ("directory_url", "http"),
        ("data_url", "http"),
    ):
        url = getattr(config, key)
        if not url.startswith((f"{scheme}://", f"{scheme}s://")):
            raise Refused(f"{where}.{key}: expected {scheme}:// or {scheme}s://, found {redact_url(url)}")
    for token in config.tokens:
        if not (token.isascii() and token.isdigit()):
            raise Refused(f"{where}.tokens: expected a token's number, found {token!r:.80}")
    for topic in config.live_topics:
        if "." not in topic:
            raise Refused(f"{where}.live_topics: expected topic.type, found {topic!r:.80}")
    account = (config.api_key, config.secret, config.passphrase)
    if any(account) and not all(account):
        raise Refused(f"{where}: expected api_key, secret and passphrase, or none of them")
    return config


def tells_wallets(config: PolymarketConfig) -> bool:
    """Say whether trades are read that name who traded."""
    is_live = any(topic.startswith("activity.") for topic in config.live_topics)
    return config.enabled and (config.read_trades or is_live)


def market_url(config: PolymarketConfig) -> str:
    """Return the address of the market channel, whichever channel's address is configured."""
    return f"{_base(config.ws_url)}/market"


def user_url(config: PolymarketConfig) -> str:
    """Return the address of the user channel."""
    return f"{_base(config.ws_url)}/user"


def _base(url: str) -> str:
    return url.rstrip("/").removesuffix("/market").removesuffix("/user").rstrip("/")
