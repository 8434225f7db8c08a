"""Keep every event, once, and give it back: the only writer of storage, and its read side."""

from tidemill.store.base import Condition, Page, QueryLimits, Store, StoreSettings, TableSize
from tidemill.store.opening import open_store, schemes
from tidemill.store.writer import TopicStored, Writer, WriterSettings

__all__ = [
    "Condition",
    "Page",
    "QueryLimits",
    "Store",
    "StoreSettings",
    "TableSize",
    "TopicStored",
    "Writer",
    "WriterSettings",
    "open_store",
    "schemes",
]
