"""Turn a record batch into Kafka's messages, and back: each is a whole Arrow IPC stream."""

from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pyarrow as pa

from tidemill.bus.kafka_client import KafkaClient, Lane
from tidemill.bus.kafka_config import topic_settings
from tidemill.schema.faults import Malformed

_ENVELOPE_BYTES = 65_536
"""More than a schema and a message's head take."""


class Outgoing(NamedTuple):
    """One message to send."""

    lane: Lane
    key: bytes | None
    value: bytes | None


def messages_of(client: KafkaClient, topic: str, batch: pa.RecordBatch) -> list[Outgoing]:
    """Return the messages that `batch` becomes on a topic that exists."""
    name, partitions = client.name_of(topic), client.partitions(topic) or 1
    key, bytes_max = topic_settings(client.settings, topic).key, client.settings.producer.message_bytes_max
    return [
        Outgoing(Lane(name, partition), key, encode(part))
        for partition, key, part in parts(batch, partitions, key, bytes_max)
    ]


def encode(batch: pa.RecordBatch) -> bytes:
    """Return the batch as one Arrow IPC stream; it is Kafka that compresses."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue().to_pybytes()


def decode(value: bytes | None, where: str) -> pa.RecordBatch:
    """Return the batch that `encode` made the bytes of.

    Raises: Malformed, where the bytes are not such a stream; `where` is named in the message.
    """
    try:
        with pa.ipc.open_stream(value or b"") as stream:
            batch = stream.read_next_batch()
            batch.validate(full=False)
            return batch
    except (pa.ArrowException, OSError, ValueError, StopIteration) as error:
        raise Malformed(
            f"{where}: expected an Arrow IPC stream, found {len(value or b'')} bytes: {error}"
        ) from error


def parts(
    batch: pa.RecordBatch, partitions: int, key: str, bytes_max: int
) -> Iterator[tuple[int, bytes | None, pa.RecordBatch]]:
    """Yield partition, key and rows of each message that `batch` becomes, in order within each key.

    Rows without a key go to the first partition. A partition's rows are one message, with a key where they
    have one alone.
    """
    if partitions == 1 or key not in batch.schema.names:
        for part in _bounded(batch, bytes_max):
            yield 0, None, part
        return
    encoded = batch.column(key).dictionary_encode()
    spelled = [_spelled(value) for value in encoded.dictionary.to_pylist()]
    places = np.array([crc32(value) % partitions for value in spelled] or [0], np.int64)
    chosen = places[encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)]
    for partition in np.unique(chosen):
        mine = chosen == partition
        only = spelled[0] if len(spelled) == 1 else None
        rows = batch if mine.all() else batch.filter(pa.array(mine))
        for part in _bounded(rows, bytes_max):
            yield int(partition), only, part


def _spelled(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _bounded(batch: pa.RecordBatch, bytes_max: int) -> Iterator[pa.RecordBatch]:
    room_bytes = bytes_max - _ENVELOPE_BYTES
    count = max(1, -(-batch.nbytes // max(room_bytes, 1)))
    rows = max(1, batch.num_rows // count)
    if count == 1:
        yield batch
        return
    for first in range(0, batch.num_rows, rows):
        yield batch.slice(first, rows)
