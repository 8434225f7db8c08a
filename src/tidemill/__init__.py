"""tidemill: exact on-chain and order-book events, kept once, with proof that none is missing."""

from typing import TYPE_CHECKING

from tidemill.core.lazy import lazily

if TYPE_CHECKING:
    from tidemill.app.api.client import Connection, connect
    from tidemill.app.chains.pool_pipeline import PoolPipeline
    from tidemill.app.venues.market_data import MarketDataService
    from tidemill.app.venues.websocket_manager import WebSocketManager
    from tidemill.execute.client import ExecutionManager, execute_trade
    from tidemill.serve.collector import MetricsCollector

__all__ = [
    "Connection",
    "ExecutionManager",
    "MarketDataService",
    "MetricsCollector",
    "PoolPipeline",
    "WebSocketManager",
    "connect",
    "execute_trade",
]

__getattr__ = lazily(
    __name__,
    {
        "Connection": "tidemill.app.api.client",
        "ExecutionManager": "tidemill.execute.client",
        "MarketDataService": "tidemill.app.venues.market_data",
        "MetricsCollector": "tidemill.serve.collector",
        "PoolPipeline": "tidemill.app.chains.pool_pipeline",
        "WebSocketManager": "tidemill.app.venues.websocket_manager",
        "connect": "tidemill.app.api.client",
        "execute_trade": "tidemill.execute.client",
    },
)
