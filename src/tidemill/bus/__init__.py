"""Carry events between stages: topics of Arrow batches, in order, with the state that belongs to them."""

from tidemill.bus.base import Bus, BusSettings, Entry
from tidemill.bus.consumer import Consumer
from tidemill.bus.opening import open_bus, schemes

__all__ = ["Bus", "BusSettings", "Consumer", "Entry", "open_bus", "schemes"]
