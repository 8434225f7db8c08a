"""Which metrics are there: each is declared here, once."""

from tidemill.core.metrics import Metric
from tidemill.serve.program import BOUNDS_S

_CHAIN = ("source",)
_ENDPOINT = (*_CHAIN, "endpoint")
_LINK = (*_ENDPOINT, "link")
_TOPIC = ("topic",)

BUILD = Metric("tidemill_build_info", "gauge", "Always 1; its label says which version runs.", ("version",))
UPTIME = Metric("tidemill_uptime_seconds", "gauge", "How long it has run.")
MEMORY = Metric(
    "tidemill_memory_bytes",
    "gauge",
    "What lies in memory: mapped (libraries, pages of the bus), engine (the embedded store), arrow, other.",
    ("part",),
)
TASKS = Metric("tidemill_tasks", "gauge", "Tasks that the program's event loop has.")
MEMORY_BUDGET = Metric("tidemill_memory_budget_bytes", "gauge", "memory.mb; absent where none is set.")

EVENTS = Metric("tidemill_events_total", "counter", "Events committed to the bus.", _TOPIC)
TO_BUS = Metric(
    "tidemill_frame_to_bus_seconds", "histogram", "From an event's frame to the bus.", (), BOUNDS_S
)
TO_STORE = Metric(
    "tidemill_frame_to_stored_seconds",
    "histogram",
    "From an event's frame to where queries find it.",
    (),
    BOUNDS_S,
)
BUS_UP = Metric("tidemill_bus_up", "gauge", "Whether the last commit found room, 1 or 0.")
STORE_UP = Metric("tidemill_store_up", "gauge", "Whether what the writer tried last worked, 1 or 0.")
STORE_FAULTS = Metric("tidemill_store_faults_total", "counter", "Times that the writer had to try again.")
STORED = Metric("tidemill_stored_rows_total", "counter", "Rows brought into the store.", _TOPIC)
INSERTS = Metric("tidemill_store_insert_seconds", "summary", "How long inserts took.", _TOPIC)
WAITING = Metric("tidemill_store_waiting_batches", "gauge", "Batches on the bus that are not stored.", _TOPIC)

PROCESSOR_WAITING = Metric(
    "tidemill_processor_waiting_batches",
    "gauge",
    "Batches on the bus that a processor has not taken, of those that ever ran; on Kafka its group's lag.",
    ("processor", "partition"),
)

CHAIN_UP = Metric("tidemill_chain_up", "gauge", "Whether the chain is read, 1 or 0.", _CHAIN)
CHAIN_TIP = Metric("tidemill_chain_tip_block", "gauge", "The newest block on the bus.", _CHAIN)
CHAIN_BEHIND = Metric(
    "tidemill_chain_behind_blocks",
    "gauge",
    "How far the tip is behind the newest head that any endpoint told.",
    _CHAIN,
)
CHAIN_POOLS = Metric("tidemill_chain_pools", "gauge", "Pools that are tracked.", _CHAIN)
CHAIN_FAULTS = Metric(
    "tidemill_chain_faults_total", "counter", "What went wrong outside, however it ended.", _CHAIN
)
INBOX = Metric(
    "tidemill_inbox_batches", "gauge", "Batches of what came in that wait for the machine.", _CHAIN
)
INBOX_WAITS = Metric(
    "tidemill_inbox_waits_total", "counter", "Times that what came in waited for room.", _CHAIN
)
COMPLETE = Metric(
    "tidemill_complete_blocks",
    "gauge",
    "Blocks that this run told to be complete, by their proof.",
    (*_CHAIN, "proof"),
)
MISSING = Metric("tidemill_missing_blocks", "gauge", "Blocks that this run told to be missing.", _CHAIN)
GAPS_OPEN = Metric("tidemill_open_gaps", "gauge", "Gaps of this run that are not closed.", _CHAIN)
GAPS_CLOSED = Metric("tidemill_closed_gaps", "gauge", "Gaps of this run that were closed.", _CHAIN)
FOLLOWED = Metric(
    "tidemill_opportunities_followed", "gauge", "Opportunities whose end is not told yet.", _CHAIN
)
ENDED = Metric(
    "tidemill_opportunities_ended_total",
    "counter",
    "Opportunities that were followed to an end, by what became of them.",
    (*_CHAIN, "cause"),
)
NOT_FOLLOWED = Metric(
    "tidemill_opportunities_not_followed_total", "counter", "Opportunities too many to be followed.", _CHAIN
)
HALF_LIFE = Metric(
    "tidemill_opportunity_half_life_blocks",
    "gauge",
    "Blocks after which half of the last thousand had died; absent where more than half had not.",
    _CHAIN,
)

VENUE_UP = Metric("tidemill_venue_up", "gauge", "Whether the venue is read, 1 or 0.", _CHAIN)
VENUE_MESSAGES = Metric("tidemill_venue_messages_total", "counter", "Messages that came in.", _CHAIN)
VENUE_FAULTS = Metric("tidemill_venue_faults_total", "counter", "What went wrong outside.", _CHAIN)
VENUE_RECONNECTIONS = Metric(
    "tidemill_venue_reconnections_total", "counter", "Connections that were made anew.", _CHAIN
)
SINK_UP = Metric("tidemill_sink_up", "gauge", "Whether what Redis or InfluxDB got last was taken.", ("sink",))
SINK_ROWS = Metric("tidemill_sink_rows_total", "counter", "Rows that it took.", ("sink",))
SINK_DROPPED = Metric(
    "tidemill_sink_dropped_batches_total", "counter", "Left out while it was away for too long.", ("sink",)
)
SINK_RETRIES = Metric("tidemill_sink_retries_total", "counter", "Times that it was tried again.", ("sink",))

ALERTS_SENT = Metric("tidemill_alerts_sent_total", "counter", "Alerts that a route took.", ("route",))
ALERTS_RETRIES = Metric(
    "tidemill_alerts_retries_total", "counter", "Times that a route was tried again.", ("route",)
)
ALERTS_FAILED = Metric(
    "tidemill_alerts_failed_total",
    "counter",
    "Alerts that a route never took: refused, or left out as too many waited.",
    ("route",),
)
ALERTS_WAITING = Metric("tidemill_alerts_waiting", "gauge", "Alerts that a route is to be told.", ("route",))
ALERTS_SUPPRESSED = Metric(
    "tidemill_alerts_suppressed_total", "counter", "Alerts that were raised again while they cooled down."
)

HONESTY = Metric(
    "tidemill_endpoint_honesty_ratio",
    "gauge",
    "The share of its answers that were not found to be wrong.",
    _ENDPOINT,
)
GRADE = Metric(
    "tidemill_endpoint_grade",
    "gauge",
    "0 for an endpoint without a fault that still counts, more the worse it is.",
    _ENDPOINT,
)
ANSWERS = Metric("tidemill_endpoint_answers_total", "counter", "Questions that it answered.", _ENDPOINT)
VICES = Metric(
    "tidemill_endpoint_vices_total",
    "counter",
    "What it did wrong: lied, wrong_fork, garbled, stale, limited or failed.",
    (*_ENDPOINT, "vice"),
)
ACQUITTALS = Metric(
    "tidemill_endpoint_acquittals_total", "counter", "Lies that it was cleared of.", _ENDPOINT
)
LATENCY = Metric(
    "tidemill_endpoint_latency_seconds",
    "gauge",
    "Of its answers, an average in which the newest weighs a tenth.",
    _ENDPOINT,
)
LAG = Metric(
    "tidemill_endpoint_head_lag_seconds",
    "gauge",
    "How much later than the first of all it announces a head, averaged alike.",
    _ENDPOINT,
)
HEAD = Metric("tidemill_endpoint_head_block", "gauge", "The newest block that it told.", _ENDPOINT)
WRONG_CHAIN = Metric(
    "tidemill_endpoint_wrong_chain", "gauge", "Whether it is on another chain, 1 or 0.", _ENDPOINT
)

LINK = Metric("tidemill_link_info", "gauge", "Always 1; says where a connection leads to.", (*_LINK, "url"))
LINK_OPEN = Metric("tidemill_link_open", "gauge", "Whether it leads to the right chain, 1 or 0.", _LINK)
LINK_LEADS = Metric("tidemill_link_leads", "gauge", "Whether its heads are followed, 1 or 0.", _LINK)
BREAKER = Metric(
    "tidemill_link_breaker",
    "gauge",
    "1 for the state of its breaker: closed, open or half_open.",
    (*_LINK, "state"),
)
MESSAGES = Metric(
    "websocket_messages_received_total", "counter", "Messages that came over a WebSocket.", _LINK
)
RECONNECTIONS = Metric(
    "websocket_reconnections_total", "counter", "Times that a WebSocket was connected again.", _LINK
)

WHALE_TRADES = Metric(
    "whale_trades_detected_total",
    "counter",
    "Trades of whales that were told; the address is unknown of wallets that the registry has not.",
    ("address", "side"),
)
WHALE_LAST_TRADE = Metric(
    "whale_last_trade_timestamp_seconds",
    "gauge",
    "When the last trade of a whale of the registry was told, since the start.",
    ("address",),
)
WHALES = Metric(
    "active_whale_subscriptions",
    "gauge",
    "Wallets of the registry that are watched; absent where none can be.",
)
WHALE_LATENCY = Metric(
    "trade_processing_latency_seconds",
    "histogram",
    "From the frame that completed a whale's trade to the bus.",
    (),
    BOUNDS_S,
)

ARBITRAGES = Metric(
    "arbitrage_transactions_total",
    "counter",
    "Arbitrage transactions that were found, by what they were.",
    (*_CHAIN, "kind"),
)
ARBITRAGE_RATE = Metric(
    "arbitrage_transactions_rate",
    "gauge",
    "The same a second, over the last minute.",
    _CHAIN,
)
ARBITRAGE_SOL = Metric(
    "arbitrage_profit_total_sol",
    "gauge",
    "What they gained on Solana net of fees and tips since the start, where it is known in SOL.",
    _CHAIN,
)
KAFKA_SENT = Metric(
    "kafka_producer_record_send_rate",
    "gauge",
    "Messages sent to Kafka a second, over the last minute.",
)

REQUESTS = Metric(
    "api_request_duration_seconds",
    "histogram",
    "How long the data API took to answer, by route and HTTP status.",
    ("method", "route", "status"),
    BOUNDS_S,
)
QUERIES = Metric(
    "database_query_duration_seconds",
    "histogram",
    "How long the store took to answer the data API.",
    (),
    BOUNDS_S,
)


def declared() -> list[Metric]:
    """Return all of them, in their order here."""
    return [value for value in globals().values() if isinstance(value, Metric)]
