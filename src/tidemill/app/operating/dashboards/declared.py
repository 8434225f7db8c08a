"""Which dashboards are there, and which questions does each answer."""

from tidemill.app.operating.dashboards.panel import Dashboard, Panel, mean, quantile, rate

_RECORDS = '{topic=~"arbitrage_transaction|opportunity_risk"}'
_VENUE, _WHALES = "a venue that is read", "whales of the registry, and a trade of theirs"
_SEARCH, _SINK = "a chain that is searched", "Redis or InfluxDB beside the store"
_ENDED, _TAKEN = "a chain that is searched, and opportunities that ended", "arbitrages on the chain"
_FAILED = 'sum(rate(api_request_duration_seconds_count{status=~"5.."}[$__rate_interval])) or vector(0)'

DASHBOARDS = (
    Dashboard(
        "system_overview",
        "System overview",
        "Is everything up, does it keep up, and what does it take?",
        (
            Panel("Up", "bool_yes_no", 'up{job="tidemill"}', "{{instance}}", kind="number"),
            Panel("Running for", "s", "tidemill_uptime_seconds", "{{instance}}", kind="number"),
            Panel("Bus has room", "bool_yes_no", "tidemill_bus_up", "{{instance}}", kind="number"),
            Panel("Store works", "bool_yes_no", "tidemill_store_up", "{{instance}}", kind="number"),
            Panel("Version", "short", "tidemill_build_info", "{{version}}", kind="number"),
            Panel(
                "Alerts that fire",
                "short",
                'sum by (alertname) (ALERTS{alertstate="firing"})',
                "{{alertname}}",
                "a Prometheus that has the alert rules",
            ),
            Panel("Chains that are read", "bool_yes_no", "tidemill_chain_up"),
            Panel("Venues that are read", "bool_yes_no", "tidemill_venue_up", needs=_VENUE),
            Panel("Events to the bus", "ops", rate("tidemill_events_total", "instance"), "{{instance}}"),
            Panel("Rows stored", "ops", rate("tidemill_stored_rows_total", "instance"), "{{instance}}"),
            Panel("From frame to bus, p99", "s", quantile("tidemill_frame_to_bus_seconds", 0.99), "p99"),
            Panel(
                "From frame to stored, p99", "s", quantile("tidemill_frame_to_stored_seconds", 0.99), "p99"
            ),
            Panel("Processor", "percentunit", "rate(process_cpu_seconds_total[$__rate_interval])", "{{job}}"),
            Panel("Resident memory", "bytes", "process_resident_memory_bytes", "{{job}}"),
            Panel("Open files", "short", "process_open_fds", "{{job}}"),
            Panel("Sinks that take", "bool_yes_no", "tidemill_sink_up", "{{sink}}", _SINK),
        ),
    ),
    Dashboard(
        "ingestion",
        "Ingestion",
        "What comes in from chains, venues and whales, how quickly, and from whom?",
        (
            Panel("WebSocket messages", "ops", rate("websocket_messages_received_total")),
            Panel("Reconnections", "ops", rate("websocket_reconnections_total")),
            Panel("Venues' messages", "ops", rate("tidemill_venue_messages_total"), needs=_VENUE),
            Panel("Venues' reconnections", "ops", rate("tidemill_venue_reconnections_total"), needs=_VENUE),
            Panel("Blocks behind", "short", "tidemill_chain_behind_blocks"),
            Panel("Batches that wait to be read", "short", "tidemill_inbox_batches"),
            Panel("Waits for room", "ops", rate("tidemill_inbox_waits_total")),
            Panel("Who leads", "bool_yes_no", "tidemill_link_leads", "{{source}} {{endpoint}} {{link}}"),
            Panel(
                "Breakers that are open",
                "bool_yes_no",
                'tidemill_link_breaker{state="open"}',
                "{{source}} {{link}}",
            ),
            Panel(
                "Endpoints' latency",
                "s",
                "tidemill_endpoint_latency_seconds",
                "{{source}} {{endpoint}}",
            ),
            Panel("Whales that are watched", "short", "active_whale_subscriptions", "whales", _WHALES),
            Panel(
                "Whales' trades",
                "ops",
                rate("whale_trades_detected_total", "side"),
                "{{side}}",
                _WHALES,
            ),
            Panel(
                "Whales' trades to the bus, p99",
                "s",
                quantile("trade_processing_latency_seconds", 0.99),
                "p99",
                _WHALES,
            ),
            Panel(
                "Since a whale's last trade",
                "s",
                "time() - whale_last_trade_timestamp_seconds",
                "{{address}}",
                _WHALES,
            ),
        ),
    ),
    Dashboard(
        "transaction_flow",
        "Transaction flow",
        "From events on the bus to rows that queries find, and what pays in between.",
        (
            Panel("Events by topic", "ops", rate("tidemill_events_total", "topic"), "{{topic}}"),
            Panel("Rows by table", "ops", rate("tidemill_stored_rows_total", "topic"), "{{topic}}"),
            Panel(
                "Arbitrage transactions, by kind",
                "ops",
                rate("arbitrage_transactions_total", "kind"),
                "{{kind}}",
                _TAKEN,
            ),
            Panel("Arbitrage transactions, last minute", "ops", "arbitrage_transactions_rate", needs=_TAKEN),
            Panel(
                "Gained on Solana, SOL",
                "short",
                "arbitrage_profit_total_sol",
                needs="a Solana cluster that is read",
            ),
            Panel(
                "Messages to Kafka",
                "ops",
                "kafka_producer_record_send_rate",
                "{{instance}}",
                "Kafka as the bus",
            ),
            Panel("Opportunities followed", "short", "tidemill_opportunities_followed", needs=_SEARCH),
            Panel(
                "What became of opportunities",
                "ops",
                rate("tidemill_opportunities_ended_total", "cause"),
                "{{cause}}",
                _ENDED,
            ),
            Panel(
                "Half-life of opportunities",
                "short",
                "tidemill_opportunity_half_life_blocks",
                needs=_ENDED,
            ),
            Panel("Batches that wait for the store", "short", "tidemill_store_waiting_batches", "{{topic}}"),
            Panel(
                "Batches that wait for processors",
                "short",
                "sum by (processor) (tidemill_processor_waiting_batches)",
                "{{processor}}",
            ),
            Panel("Inserts, mean", "s", mean("tidemill_store_insert_seconds", "topic"), "{{topic}}"),
            Panel("Sinks' rows", "ops", rate("tidemill_sink_rows_total", "sink"), "{{sink}}", _SINK),
        ),
    ),
    Dashboard(
        "api_performance",
        "API performance",
        "How many ask the data API, how long does it take, and what fails?",
        (
            Panel("Requests", "reqps", rate("api_request_duration_seconds_count", "route"), "{{route}}"),
            Panel("By status", "reqps", rate("api_request_duration_seconds_count", "status"), "{{status}}"),
            Panel("Answers, median", "s", quantile("api_request_duration_seconds", 0.5), "p50"),
            Panel("Answers, p99", "s", quantile("api_request_duration_seconds", 0.99), "p99"),
            Panel("Answers, mean", "s", mean("api_request_duration_seconds", "route"), "{{route}}"),
            Panel(
                "Errors, share",
                "percentunit",
                f"({_FAILED}) / sum(rate(api_request_duration_seconds_count[$__rate_interval]))",
                "5xx",
            ),
            Panel(
                "Queries", "ops", rate("database_query_duration_seconds_count", "instance"), "{{instance}}"
            ),
            Panel("Queries, p99", "s", quantile("database_query_duration_seconds", 0.99), "p99"),
        ),
    ),
    Dashboard(
        "data_quality",
        "Data quality",
        "What is complete, how is it proven, and who told what was wrong?",
        (
            Panel("Complete blocks, by proof", "short", "tidemill_complete_blocks", "{{source}} {{proof}}"),
            Panel("Missing blocks", "short", "tidemill_missing_blocks", kind="number"),
            Panel("Gaps that are open", "short", "tidemill_open_gaps", kind="number"),
            Panel("Gaps that were closed", "short", "tidemill_closed_gaps", kind="number"),
            Panel("Faults of chains", "ops", rate("tidemill_chain_faults_total")),
            Panel("Faults of venues", "ops", rate("tidemill_venue_faults_total"), needs=_VENUE),
            Panel(
                "Endpoints' honesty",
                "percentunit",
                "tidemill_endpoint_honesty_ratio",
                "{{source}} {{endpoint}}",
            ),
            Panel(
                "What endpoints did wrong",
                "ops",
                rate("tidemill_endpoint_vices_total", "endpoint, vice"),
                "{{endpoint}} {{vice}}",
            ),
            Panel(
                "Later than the first to tell a head",
                "s",
                "tidemill_endpoint_head_lag_seconds",
                "{{source}} {{endpoint}}",
            ),
            Panel(
                "Faults of the store", "ops", rate("tidemill_store_faults_total", "instance"), "{{instance}}"
            ),
            Panel(
                "Left out of sinks",
                "short",
                "tidemill_sink_dropped_batches_total",
                "{{sink}}",
                _SINK,
            ),
        ),
    ),
    Dashboard(
        "ml_pipeline",
        "ML pipeline",
        "The records that models learn from: do they come, and how late?",
        (
            Panel("Records", "ops", rate("tidemill_events_total", "topic", _RECORDS), "{{topic}}", _TAKEN),
            Panel(
                "Records stored",
                "ops",
                rate("tidemill_stored_rows_total", "topic", _RECORDS),
                "{{topic}}",
                _TAKEN,
            ),
            Panel(
                "Records that wait for the store",
                "short",
                f"tidemill_store_waiting_batches{_RECORDS}",
                "{{topic}}",
            ),
            Panel(
                "Prices and states they are made of",
                "ops",
                rate("tidemill_events_total", "topic", '{topic=~"swap|pool_state|block"}'),
                "{{topic}}",
            ),
            Panel("Pools that are tracked", "short", "tidemill_chain_pools"),
        ),
    ),
)
