"""Does a scrape say what the state says, by the declared names."""

import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus_text
from tests.prometheus import need_prometheus

from tidemill.core.metrics import Metrics
from tidemill.serve.collecting import families
from tidemill.serve.declared import declared

from .program import chain, endpoint, link, program

FORMATS = {"": prometheus_text, "application/openmetrics-text; version=1.0.0": open_metrics}
COUNTED_BY_THE_SERVER = {"api_request_duration_seconds", "database_query_duration_seconds"}


def told(state, accept=""):
    """Return every sample of a scrape by its name and labels."""
    text = Metrics().told(families(state), accept).body.decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in FORMATS[accept](text)
        for sample in family.samples
    }


@pytest.mark.parametrize("accept", FORMATS)
def test_every_part_of_the_state_is_told_in_both_formats(accept):
    found = told(program(), accept)
    of_chain, of_endpoint = ("source", "eth"), ("endpoint", "0")
    ws = (of_endpoint, ("link", "ws"), of_chain)
    expected = {
        ("tidemill_build_info", ("version", "1.2.3")): 1,
        ("tidemill_events_total", ("topic", "swap")): 1000,
        ("tidemill_frame_to_bus_seconds_bucket", ("le", "0.0025")): 1,
        ("tidemill_frame_to_stored_seconds_bucket", ("le", "0.25")): 1,
        ("tidemill_frame_to_stored_seconds_bucket", ("le", "+Inf")): 2,
        ("tidemill_frame_to_stored_seconds_sum",): 0.4,
        ("tidemill_stored_rows_total", ("topic", "swap")): 900,
        ("tidemill_store_insert_seconds_count", ("topic", "swap")): 30,
        ("tidemill_store_waiting_batches", ("topic", "swap")): 2,
        ("tidemill_store_faults_total",): 6,
        ("tidemill_processor_waiting_batches", ("partition", "swap.1"), ("processor", "pool_activity")): 4,
        ("tidemill_chain_behind_blocks", of_chain): 5,
        ("tidemill_complete_blocks", ("proof", "bloom"), of_chain): 90,
        ("tidemill_missing_blocks", of_chain): 3,
        ("tidemill_inbox_waits_total", of_chain): 5,
        ("tidemill_opportunities_followed", of_chain): 11,
        ("tidemill_opportunities_ended_total", ("cause", "taken"), of_chain): 12,
        ("tidemill_opportunities_not_followed_total", of_chain): 14,
        ("tidemill_opportunity_half_life_blocks", of_chain): 3,
        ("tidemill_endpoint_honesty_ratio", of_endpoint, of_chain): 0.9,
        ("tidemill_endpoint_latency_seconds", of_endpoint, of_chain): 0.0125,
        ("tidemill_endpoint_vices_total", of_endpoint, of_chain, ("vice", "limited")): 4,
        ("tidemill_link_leads", *ws): 1,
        ("tidemill_link_breaker", of_endpoint, ("link", "http"), of_chain, ("state", "half_open")): 1,
        ("tidemill_link_breaker", of_endpoint, ("link", "http"), of_chain, ("state", "closed")): 0,
        ("websocket_messages_received_total", *ws): 70,
        ("websocket_reconnections_total", *ws): 2,
        ("whale_trades_detected_total", ("address", "0x0a"), ("side", "BUY")): 4,
        ("active_whale_subscriptions",): 3,
        ("arbitrage_transactions_total", ("kind", "arbitrage"), of_chain): 5,
        ("arbitrage_transactions_rate", of_chain): 0.25,
        ("arbitrage_profit_total_sol", ("source", "solana")): -0.5,
        ("kafka_producer_record_send_rate",): 17.5,
        ("whale_last_trade_timestamp_seconds", ("address", "0x0a")): 1_800_000_000.5,
        ("trade_processing_latency_seconds_bucket", ("le", "0.025")): 1,
    }
    assert {key: found.get(key) for key in expected} == expected


def test_every_declared_metric_is_told_once_and_nothing_else():
    names = [family.name for family in families(program())]
    assert len(names) == len(set(names))
    wanted = {metric.name.removesuffix("_total") for metric in declared()} - COUNTED_BY_THE_SERVER
    assert set(names) == wanted


def test_names_and_units_are_those_of_prometheus():
    for metric in declared():
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.help.endswith("."), metric.name
        assert not metric.name.endswith(("_ms", "_ns")), "Prometheus' unit of time is the second"
        assert bool(metric.bounds) == (metric.kind == "histogram"), metric.name
    names = [metric.name for metric in declared()]
    assert len(names) == len(set(names))


def test_prometheus_own_linter_finds_nothing():
    binary = need_prometheus().with_name("promtool")
    text = Metrics().told(families(program()), "").body
    linted = subprocess.run([binary, "check", "metrics"], input=text, capture_output=True, timeout=30)
    assert (linted.returncode, linted.stdout, linted.stderr) == (0, b"", b"")


def test_what_is_not_known_is_left_out_and_not_zero():
    silent = endpoint(latency_ms=None, lag_ms=None, head=None)
    found = told(program(version=None, chains=(chain(tip=None, coverage=None, endpoints={"0": silent}),)))
    names = {key[0] for key in found}
    absent = {
        "tidemill_build_info",
        "tidemill_chain_tip_block",
        "tidemill_chain_behind_blocks",
        "tidemill_missing_blocks",
        "tidemill_endpoint_latency_seconds",
        "tidemill_endpoint_head_block",
    }
    assert not names & absent
    assert "tidemill_endpoint_honesty_ratio" in names


def test_an_acquittal_does_not_make_the_counter_of_lies_fall():
    def lies(**changes):
        (found,) = (
            value
            for key, value in told(program(chains=(chain(endpoints={"0": endpoint(**changes)}),))).items()
            if key[0] == "tidemill_endpoint_vices_total" and ("vice", "lied") in key
        )
        return found

    assert lies(lied=3, acquittals=0) == lies(lied=2, acquittals=1) == 3


def test_a_websocket_that_never_connected_was_not_connected_again():
    found = told(program(chains=(chain(endpoints={"0": endpoint(links={"ws1": link(connects=0)})}),)))
    (count,) = (value for key, value in found.items() if key[0] == "websocket_reconnections_total")
    assert count == 0
