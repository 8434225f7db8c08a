"""Lay topics and state out in one LMDB environment; blocking, and for one thread at a time."""

import os
import secrets
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import lmdb
import pyarrow as pa

from tidemill.bus.base import CONSUMER_PREFIX, Batches, BusSettings, Entry, Poison, State
from tidemill.bus.codec import SchemaEncoder, decode, decode_schema, encode
from tidemill.bus.retention import ENTRIES_A_STEP, Floors, TopicSpan, topic_to_trim
from tidemill.schema.faults import Gap, Malformed, Refused, Unreachable

_FORMAT = b"1"
_ENTRY_KEY = struct.Struct(">IQ")  # topic id, offset: big-endian, so that keys sort by offset
_SCHEMA_ID = struct.Struct("<I")
_SPAN = struct.Struct("<IQQQ")
_PAGE_BYTES = 4096
_ROOM_FOR_STATE_BYTES = 1 << 30
_TABLES = (b"meta", b"schema", b"topic", b"entry", b"state")
# What lmdb raises for a wrong call of ours; the rest is the disk's or the folder's fault.
_OUR_BUGS = (lmdb.BadValsizeError, lmdb.BadTxnError, lmdb.ReadonlyError, lmdb.BadDbiError)


class _Tables(NamedTuple):
    """The named databases; lmdb does not export the class of their handles."""

    meta: Any
    """format, identity"""
    schema: Any
    """schema id → Arrow IPC schema message"""
    topic: Any
    """topic → its span"""
    entry: Any
    """topic id, offset → schema id and encoded batch"""
    state: Any


class LmdbLog:
    """Topics and state in the folder `folder`; everything but `sync` is to be called in turn."""

    def __init__(self, folder: Path, settings: BusSettings, *, is_reader: bool) -> None:
        self.identity = ""
        self.spans: dict[str, TopicSpan] = {}
        """The span of every topic, as of the last commit; only where this process writes."""
        self._folder = folder
        self._settings = settings
        self._is_reader = is_reader
        self._life = threading.RLock()
        """Held while the environment is closed or forced to disk, which another thread does."""
        self._env: lmdb.Environment | None = None
        self._tables: _Tables | None = None
        self._floors = Floors()
        self._encode_schema = SchemaEncoder()
        self._schemas: dict[int, pa.Schema] = {}
        self._schema_ids: dict[bytes, int] = {}

    # --- life

    def open(self) -> None:
        """Open or make the environment. Raises: Unreachable, Refused."""
        if self._is_reader and not (self._folder / "data.mdb").exists():
            raise Unreachable(
                f"bus {self._folder}: expected a bus to read, found none; start what writes it first"
            )
        try:
            self._env = lmdb.open(
                str(self._folder),
                # Address space, not disk: the file grows as pages are used. Twice what batches may take, for
                # pages that await reuse, and room for the state: a consumer can always say it is done.
                map_size=2 * self._settings.size_max_bytes + _ROOM_FOR_STATE_BYTES,
                max_dbs=len(_TABLES),
                readonly=self._is_reader,
                sync=self._settings.sync == "commit",
                metasync=self._settings.sync == "commit",
                max_readers=64,
            )
            self._tables = _Tables(*(self._env.open_db(name, create=not self._is_reader) for name in _TABLES))
            self._load()
        except lmdb.NotFoundError as error:
            raise Unreachable(f"bus {self._folder}: expected a bus to read, it is not made yet") from error
        except (lmdb.InvalidError, lmdb.VersionMismatchError, lmdb.CorruptedError) as error:
            raise Refused(
                f"bus {self._folder}: expected a bus of ours: {error}; move the folder away"
            ) from error
        except lmdb.Error as error:
            raise Unreachable(f"bus {self._folder}: expected to open it: {error}") from error

    def close(self) -> None:
        """Close it; what was committed is forced to disk."""
        with self._life:
            env, self._env, self._tables = self._env, None, None
            if env is not None:
                if not self._is_reader:
                    with suppress(lmdb.Error):  # best effort: the commits themselves are in the file
                        env.sync(True)
                env.close()

    def sync(self) -> None:
        """Force what was committed to disk; beside a commit in another thread. Raises: Unreachable."""
        with self._life:
            if self._env is None:
                return  # it was synced as it closed
            try:
                self._env.sync(True)
            except lmdb.Error as error:
                raise Unreachable(f"bus {self._folder}: expected to force it to disk: {error}") from error

    def _load(self) -> None:
        env, tables = self._opened()
        with env.begin(write=not self._is_reader) as txn:
            if not self._is_reader and txn.get(b"format", db=tables.meta) is None:
                txn.put(b"format", _FORMAT, db=tables.meta)
                txn.put(b"identity", secrets.token_hex(8).encode(), db=tables.meta)
            found = txn.get(b"format", db=tables.meta)
            if found != _FORMAT:
                raise Refused(f"bus {self._folder}: expected format {_FORMAT.decode()}, found {found!r}")
            self.identity = (txn.get(b"identity", db=tables.meta) or b"").decode()
            self.spans = {
                name.decode(): TopicSpan(*_SPAN.unpack(span)) for name, span in txn.cursor(tables.topic)
            }
            for key, stored in txn.cursor(tables.schema):
                self._learn_schema(_SCHEMA_ID.unpack(key)[0], stored)
            self._floors = Floors()
            self._floors.apply(dict(_scan(txn, tables.state, CONSUMER_PREFIX)))

    # --- write

    def append(self, batches: Batches, changes: State) -> list[int]:
        """Append and change in one transaction, durable as the settings say.

        Returns: the offset of each batch. Raises: Unreachable, after which nothing of it has happened.
        """
        encoded = [
            (topic, self._encode_schema(topic, batch.schema), encode(batch)) for topic, batch in batches
        ]
        spans = {
            topic: TopicSpan(s.topic_id, s.first, s.head, s.stored_bytes) for topic, s in self.spans.items()
        }
        touched: set[str] = set()
        new_schemas: dict[bytes, int] = {}
        offsets: list[int] = []
        with self._disk():
            env, tables = self._opened()
            with env.begin(write=True, buffers=True) as txn:
                touched |= self._make_room(
                    txn, spans, sum(_footprint(len(stored)) for _, _, stored in encoded)
                )
                for topic, schema, stored in encoded:
                    span = spans.setdefault(topic, TopicSpan(topic_id=len(spans)))
                    schema_id = self._schema_id(txn, schema, new_schemas)
                    value = _SCHEMA_ID.pack(schema_id) + stored
                    txn.put(_ENTRY_KEY.pack(span.topic_id, span.head), value, db=tables.entry)
                    offsets.append(span.head)
                    span.head += 1
                    span.stored_bytes += _footprint(len(stored))
                    touched.add(topic)
                for key, value in changes.items():
                    if value is None:
                        txn.delete(key, db=tables.state)
                    else:
                        txn.put(key, value, db=tables.state)
                for topic in touched:
                    span = spans[topic]
                    packed = _SPAN.pack(span.topic_id, span.first, span.head, span.stored_bytes)
                    txn.put(topic.encode(), packed, db=tables.topic)
        self.spans = spans
        self._floors.apply(changes)
        for schema, schema_id in new_schemas.items():
            self._learn_schema(schema_id, schema)
        return offsets

    def _make_room(self, txn: lmdb.Transaction, spans: dict[str, TopicSpan], added_bytes: int) -> set[str]:
        """Trim a step's worth; more only where there is no room without. Returns: the topics trimmed."""
        size_max = self._settings.size_max_bytes
        trimmed: set[str] = set()
        for step in count():
            held = sum(span.stored_bytes for span in spans.values())
            is_full = added_bytes > 0 and held + added_bytes > size_max
            if step >= ENTRIES_A_STEP and not is_full:
                break
            topic = topic_to_trim(spans, self._floors, self._settings.retention_bytes)
            if topic is None and is_full:
                raise Unreachable(
                    f"bus {self._folder}: expected room for {added_bytes} bytes, but {held} of "
                    f"size_max_bytes = {size_max} are held for its consumers; let them catch up, or raise it"
                )
            if topic is None:
                break
            span = spans[topic]
            with txn.cursor(self._opened()[1].entry) as cursor:
                cursor.set_key(_ENTRY_KEY.pack(span.topic_id, span.first))
                span.stored_bytes -= _footprint(len(cursor.value()) - _SCHEMA_ID.size)
                cursor.delete()
            span.first += 1
            trimmed.add(topic)
        return trimmed

    def _schema_id(self, txn: lmdb.Transaction, schema: bytes, new_schemas: dict[bytes, int]) -> int:
        known = self._schema_ids.get(schema, new_schemas.get(schema))
        if known is not None:
            return known
        schema_id = len(self._schema_ids) + len(new_schemas)
        txn.put(_SCHEMA_ID.pack(schema_id), schema, db=self._opened()[1].schema)
        new_schemas[schema] = schema_id
        return schema_id

    # --- read

    def span(self, topic: str) -> TopicSpan | None:
        """Return the span of `topic` as stored now, by this process or by the writing one."""
        env, tables = self._opened()
        with env.begin() as txn:
            packed = txn.get(topic.encode(), db=tables.topic)
        return None if packed is None else TopicSpan(*_SPAN.unpack(packed))

    def topics(self) -> list[str]:
        """Return the names of all topics, sorted."""
        env, tables = self._opened()
        with env.begin() as txn:
            return [bytes(name).decode() for name, _ in txn.cursor(tables.topic)]

    def read(self, topic: str, offset: int, batches_max: int) -> list[Entry]:
        """Return batches from `offset` on, oldest first. Raises: Gap, Malformed."""
        env, tables = self._opened()
        where = f"bus {self._folder} {topic}"
        found: list[tuple[int, bytes]] = []
        read_bytes = 0
        with env.begin() as txn:
            packed = txn.get(topic.encode(), db=tables.topic)
            if packed is None:
                return []
            span = TopicSpan(*_SPAN.unpack(packed))
            if offset < span.first:
                raise Gap(f"{where}: expected offset {offset}, the oldest kept is {span.first}")
            for number in range(offset, min(span.head, offset + batches_max)):
                stored = txn.get(_ENTRY_KEY.pack(span.topic_id, number), db=tables.entry) or b""
                found.append((number, stored))
                read_bytes += len(stored)
                if read_bytes >= self._settings.read_bytes_max:
                    break
        entries: list[Entry] = []
        for number, stored in found:
            try:
                batch = self._decoded(stored, f"{where} offset {number}")
            except Malformed as fault:
                if entries:
                    break
                raise Poison(str(fault), number, bytes(stored)) from fault
            entries.append(Entry(number, batch))
        return entries

    def state(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Return keys and values of the state under `prefix`, by key."""
        env, tables = self._opened()
        with env.begin() as txn:
            return list(_scan(txn, tables.state, prefix))

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key` in the state."""
        env, tables = self._opened()
        with env.begin() as txn:
            return txn.get(key, db=tables.state)

    def _decoded(self, stored: bytes, where: str) -> pa.RecordBatch:
        if len(stored) < _SCHEMA_ID.size:
            raise Malformed(f"{where}: expected a stored record batch, found {len(stored)} bytes")
        return decode(stored[_SCHEMA_ID.size :], self._schema(stored), where)

    def _schema(self, stored: bytes) -> pa.Schema:
        (schema_id,) = _SCHEMA_ID.unpack_from(stored)
        if schema_id not in self._schemas:
            # Added by the writing process since we opened.
            env, tables = self._opened()
            with env.begin() as txn:
                self._learn_schema(schema_id, txn.get(_SCHEMA_ID.pack(schema_id), db=tables.schema) or b"")
        return self._schemas[schema_id]

    def _learn_schema(self, schema_id: int, stored: bytes) -> None:
        self._schemas[schema_id] = decode_schema(stored, f"bus {self._folder} schema {schema_id}")
        self._schema_ids[stored] = schema_id

    # --- faults

    def _opened(self) -> tuple[lmdb.Environment, _Tables]:
        if self._env is None or self._tables is None:
            self.open()
        assert self._env is not None
        assert self._tables is not None
        return self._env, self._tables

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except _OUR_BUGS:
            raise
        except lmdb.MapFullError as error:
            raise Unreachable(
                f"bus {self._folder}: expected batches and state to fit in twice size_max_bytes = "
                f"{self._settings.size_max_bytes}; raise it: {error}"
            ) from error
        except lmdb.Error as error:
            # A failed write of a meta page makes LMDB refuse all further work in this environment.
            self.close()
            disk = os.statvfs(self._folder)
            free_bytes = disk.f_bavail * disk.f_frsize
            raise Unreachable(
                f"bus {self._folder}: expected to write, {free_bytes} bytes are free: {error}"
            ) from error


def _footprint(length: int) -> int:
    """Return about how many bytes of the file `length` bytes take: long values fill whole pages."""
    return length + 64 if length < _PAGE_BYTES // 2 else -(-(length + 64) // _PAGE_BYTES) * _PAGE_BYTES


def _scan(txn: lmdb.Transaction, table: Any, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    cursor = txn.cursor(table)
    if cursor.set_range(prefix):
        for key, value in cursor:
            if not bytes(key).startswith(prefix):
                break
            yield bytes(key), bytes(value)
