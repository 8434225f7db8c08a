"""The latest book and trades of each instrument, in Redis: for who asks often and wants the newest alone."""

from tidemill.store.latest.entries import TOPICS, Books, Depth, Level
from tidemill.store.latest.latest_store import LatestStore
from tidemill.store.latest.redis_link import RedisLink

__all__ = ["TOPICS", "Books", "Depth", "LatestStore", "Level", "RedisLink"]
