"""Events and metrics in InfluxDB's line protocol, for servers of time series."""

from tidemill.store.line_protocol.sending import LineStore

__all__ = ["LineStore"]
