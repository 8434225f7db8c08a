"""Keep the bus's state in a compacted topic, and have it as a table."""

import threading

from tidemill.bus.kafka_client import KafkaClient
from tidemill.bus.kafka_scan import Scan

_STATE = b"s"
_MARK = b"m"
# What a key on Kafka begins with: state as the bus's users see it, or marks of transactions.


class StateTable:
    """The state as far as it was read; blocking, from any thread."""

    def __init__(self, client: KafkaClient) -> None:
        self._client = client
        self._values: dict[bytes, bytes] = {}
        self._scan: Scan | None = None
        self._turn = threading.Lock()

    def open(self) -> None:
        """Read all. Raises: Unreachable, Gap."""
        first = self._client.firsts([self._client.state_lane])[self._client.state_lane]
        self.close()
        with self._turn:
            self._scan = Scan(self._client, self._client.state_lane, first)
            self._catch_up()

    def close(self) -> None:
        """End it."""
        with self._turn:
            if self._scan is not None:
                self._scan.close()
                self._scan = None

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key`, as committed now. Raises: Unreachable."""
        with self._turn:
            self._catch_up()
            return self._values.get(_STATE + key)

    def under(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Return keys and values under `prefix`, by key, as committed now. Raises: Unreachable."""
        wanted = _STATE + prefix
        with self._turn:
            self._catch_up()
            found = sorted(item for item in self._values.items() if item[0].startswith(wanted))
        return [(key.removeprefix(_STATE), value) for key, value in found]

    def mark(self, name: bytes) -> bytes | None:
        """Return the mark of the last transaction that `name` committed. Raises: Unreachable."""
        with self._turn:
            self._catch_up()
            return self._values.get(self.mark_key(name))

    def state_key(self, key: bytes) -> bytes:
        """Return what a key of the state is called on Kafka."""
        return _STATE + key

    def mark_key(self, name: bytes) -> bytes:
        """Return what the mark of `name` is called on Kafka."""
        return _MARK + name

    def _catch_up(self) -> None:
        assert self._scan is not None, "the bus is used outside its `async with`"
        for record in self._scan.to_end():
            self._take(record.key or b"", record.value)

    def _take(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value
