"""Does a configuration of the order-book pipelines' documents mean what it says there."""

import pytest

from tidemill.app.settings import read_settings
from tidemill.app.venues.market_config import market_config_of
from tidemill.schema.faults import Refused

GIVEN = {
    "data_ingestion": {
        "websocket_reconnect_delay": 5,
        "max_reconnect_attempts": 10,
        "heartbeat_interval": 30,
        "message_buffer_size": 2_000,
        "data_validation_enabled": True,
    },
    "monitoring": {
        "metrics_collection_interval_seconds": 5,
        "health_check_interval_seconds": 20,
        "alert_thresholds": {
            "max_latency_ms": 250,
            "error_rate_threshold": 0.1,
            "min_uptime_percent": 99.0,
        },
    },
    "trading": {"symbols": ["SEI/USDC", "wETH/USDC"], "enabled": False},
    "redis": {"url": "redis://localhost:6379/0", "max_connections": 50},
    "influxdb": {
        "url": "http://localhost:8086",
        "token": "your-influxdb-token",
        "org": "flashmm",
        "bucket": "metrics",
        "batch_size": 2_000,
        "flush_interval": 500,
    },
    "websocket": {"ping_interval": 10, "compression": None},
    "something_else": {"of": "another part"},
}


def meant(config, tmp_path, environ=None):
    return market_config_of(config, read_settings(None, tmp_path, environ or {}))


def test_every_key_has_its_meaning(tmp_path):
    settings, queue_events_max = meant(GIVEN, tmp_path)
    assert queue_events_max == 2_000
    watched = settings.monitoring
    assert [watched.collection_interval_s, watched.health_check_interval_s] == [5, 20]
    limits = watched.alerts
    assert [limits.latency_max_ms, limits.error_rate_max, limits.uptime_percent_min] == [250, 0.1, 99]
    assert settings.trading.symbols == ("SEI/USDC", "wETH/USDC")
    assert [settings.redis.url, settings.redis.max_connections] == ["redis://localhost:6379/0", 50]
    assert settings.influxdb.token == "your-influxdb-token"
    assert [settings.influxdb.org, settings.influxdb.bucket] == ["flashmm", "metrics"]
    assert [settings.influxdb.batch_size, settings.influxdb.flush_interval_ms] == [2_000, 500]
    for venue in (settings.venues.sei, settings.venues.polymarket):
        assert [venue.reconnect_first_ms, venue.reconnect_max_ms, venue.silence_ms] == [5_000, 5_000, 30_000]


def test_nothing_given_leaves_everything_as_it_is(tmp_path):
    base = read_settings(None, tmp_path, {})
    assert meant({}, tmp_path) == (base.settings, None)


def test_the_environment_goes_before_it(tmp_path):
    environ = {
        "REDIS_URL": "redis://elsewhere:6379",
        "INFLUXDB_TOKEN": "a-token-of-the-shell",
        "TIDEMILL_MONITORING_ALERTS_LATENCY_MAX_MS": "99",
    }
    settings, _ = meant(GIVEN, tmp_path, environ)
    assert settings.redis.url == "redis://elsewhere:6379"
    assert settings.redis.max_connections == 50
    assert settings.influxdb.token == "a-token-of-the-shell"
    assert settings.monitoring.alerts.latency_max_ms == 99


def test_the_names_of_the_environment_are_those_of_the_document(tmp_path):
    environ = {
        "REDIS_URL": "redis://localhost:6379/0",
        "INFLUXDB_URL": "http://localhost:8086",
        "INFLUXDB_TOKEN": "your-influxdb-token",
        "INFLUXDB_ORG": "flashmm",
        "INFLUXDB_BUCKET": "metrics",
    }
    environment = read_settings(None, tmp_path, environ)
    influxdb = environment.settings.influxdb
    assert [environment.settings.redis.url, influxdb.url, influxdb.org, influxdb.bucket] == [
        *("redis://localhost:6379/0", "http://localhost:8086", "flashmm", "metrics")
    ]
    shown = {row.key: row.value for row in environment.loaded.rows()}
    assert shown["influxdb.token"] == "***"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"redis": {"max_connection": 5}}, "config: redis: object contains unknown field `max_connection`"),
        ({"redis": {"max_connections": 0}}, r"config: redis\.max_connections = 0: expected `int` >= 1"),
        (
            {"data_ingestion": {"heartbeat_interval": -1}},
            r"config: data_ingestion\.heartbeat_interval: expected",
        ),
        ({"data_ingestion": {"data_validation_enabled": False}}, "data_validation_enabled: expected true"),
        ({"websocket": {"compression": "deflate"}}, r"config: websocket\.compression: expected `null`"),
        ({"monitoring": []}, "config: monitoring: expected `object`"),
        (
            {"monitoring": {"alert_thresholds": {"max_latency_ms": 0}}},
            r"latency_max_ms = 0\.0: expected `float`",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_its_key(config, message, tmp_path):
    with pytest.raises(Refused, match=message):
        meant(config, tmp_path)
