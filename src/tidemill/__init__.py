"""tidemill: exact on-chain and order-book events, kept once, with proof that none is missing."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidemill.app.client import Connection, connect
    from tidemill.app.market_data import MarketDataService
    from tidemill.app.pool_pipeline import PoolPipeline
    from tidemill.app.websocket_manager import WebSocketManager
    from tidemill.serve.collector import MetricsCollector

__all__ = [
    "Connection",
    "MarketDataService",
    "MetricsCollector",
    "PoolPipeline",
    "WebSocketManager",
    "connect",
]

_HOMES = {
    "Connection": "tidemill.app.client",
    "MarketDataService": "tidemill.app.market_data",
    "MetricsCollector": "tidemill.serve.collector",
    "PoolPipeline": "tidemill.app.pool_pipeline",
    "WebSocketManager": "tidemill.app.websocket_manager",
    "connect": "tidemill.app.client",
}
"""Where the public classes live: they are imported when they are asked for, as they bring much with them."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
