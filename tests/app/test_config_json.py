"""A source document's config.json: every section of it arrives where our settings have it."""

from typing import Any

from tidemill.app.operating.config_json import settings_of

CONFIG: dict[str, Any] = {
    "networks": {"sandbox": {"chain_id": 31337, "rpc": "http://127.0.0.1:1"}},
    "subgraphs": {
        "prices": {
            "chain": "sandbox",
            "dex": "uniswap",
            "dialect": "uniswap_v3",
            "http_url": "http://127.0.0.1:2",
        }
    },
    "advanced_features": {
        "real_data_pipeline": {
            "enabled": True,
            "use_websockets": False,
            "polling_interval_seconds": 7,
            "cache_duration_seconds": 11,
        }
    },
}


def test_no_section_is_passed_over_for_another() -> None:
    settings = settings_of(CONFIG, {})
    assert list(settings.chains) == ["sandbox"]
    assert list(settings.subgraphs) == ["prices"]
    assert not settings.ingest.use_websockets
    assert settings.ingest.polling_interval_s == 7
    assert settings.pool_server.cache_duration_s == 11


def test_the_environment_wins_over_the_file() -> None:
    settings = settings_of(CONFIG, {"USE_WEBSOCKETS": "true", "REAL_DATA_POLLING_INTERVAL": "9"})
    assert settings.ingest.use_websockets
    assert settings.ingest.polling_interval_s == 9
