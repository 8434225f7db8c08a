"""Know the offset after the last batch of each partition, which markers of transactions follow."""

from collections.abc import Iterable

from tidemill.bus.kafka_client import KafkaClient, Lane
from tidemill.bus.kafka_scan import last_data_end


class Ends:
    """What this process sent is known without asking; what others did is looked for at the end."""

    def __init__(self, client: KafkaClient) -> None:
        self._client = client
        self._sent: dict[Lane, int] = {}
        self._found: dict[Lane, tuple[int, int]] = {}
        """The end of the partition, and of its batches."""

    def sent(self, lane: Lane, offset: int) -> None:
        """Take note of a batch that was committed."""
        self._sent[lane] = max(offset + 1, self._sent.get(lane, 0))

    def known(self, lane: Lane) -> int:
        """Return the offset after the last that this process sent."""
        return self._sent.get(lane, 0)

    def heads(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        """Return the offset after the last batch of each, once no earlier transaction is open; blocking.

        Raises: Unreachable.
        """
        ends = self._client.ends(lanes)
        return {lane: self._head(lane, end) for lane, end in ends.items()}

    def _head(self, lane: Lane, end: int) -> int:
        sent = self._sent.get(lane)
        if sent is not None and end <= sent + 1:  # our marker alone follows
            return sent
        found = self._found.get(lane)
        if found is None or found[0] != end:
            first = self._client.firsts([lane])[lane]
            found = self._found[lane] = (end, last_data_end(self._client, lane, first, end) if end else 0)
        return found[1]
