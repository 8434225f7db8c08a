"""Order books of contracts on Sei, by CometBFT's WebSocket: their events mean what a mapping file says."""

from tidemill.venues.sei.venue import VENUE

__all__ = ["VENUE"]
