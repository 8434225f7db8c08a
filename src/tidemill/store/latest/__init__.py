"""The latest book and trades of each instrument, in Redis: for who asks often and wants the newest alone."""

from tidemill.store.latest.books import Books, BookView, Depth, LatestBooks, Level
from tidemill.store.latest.latest_store import TOPICS, Kept, LatestStore
from tidemill.store.latest.redis_link import RedisLink

__all__ = ["TOPICS", "BookView", "Books", "Depth", "Kept", "LatestBooks", "LatestStore", "Level", "RedisLink"]
