"""What is kept under a key, with what each of the newest blocks did to it: a block can be taken back."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import TypeVar

from msgspec import MsgspecError, Struct, msgpack

from tidemill.schema.faults import Malformed

V = TypeVar("V", bound=Struct)
_TURN_BYTES = 8
"""Before each value that is kept: when it was put, counted in values."""


class _Change(Struct, frozen=True, array_like=True):
    """What one block did: kind, key and value of each that it touched."""

    number: int
    before: tuple[tuple[str, bytes, bytes | None], ...]
    after: tuple[tuple[str, bytes, bytes | None], ...] = ()
    """Of a block that was reverted: what it had made of them."""


class Journal:
    """Frozen values by kind and key; reads neither clock nor network.

    `kinds` says which type the values of a kind have; `window_blocks` is how many blocks can be taken back.
    What is put between two blocks belongs to none and stays.
    """

    def __init__(self, prefix: bytes, kinds: Mapping[str, type[Struct]], window_blocks: int) -> None:
        self.prefix = prefix
        self._kinds = kinds
        self._window_blocks = window_blocks
        self._names = {kind: name for name, kind in kinds.items()}
        self._values: dict[str, dict[bytes, Struct]] = {kind: {} for kind in kinds}
        """The one put longest ago first: over restarts too, or what is told would come in another order."""
        self._turns: dict[tuple[str, bytes], int] = {}
        self._turn = 0
        self._changes: OrderedDict[bytes, _Change] = OrderedDict()
        self._before: dict[tuple[str, bytes], Struct | None] | None = None
        self._touched: set[tuple[str, bytes]] = set()
        """What was put or dropped since it was last taken."""
        self._state: dict[bytes, bytes | None] = {}

    def load(self, state: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up what an earlier run kept. Raises: Malformed."""
        changes: list[tuple[bytes, _Change]] = []
        values: list[tuple[int, str, bytes, Struct]] = []
        for key, value in state:
            kind, _, rest = key.removeprefix(self.prefix).partition(b"/")
            try:
                if kind == b"change":
                    changes.append((rest, msgpack.decode(value, type=_Change)))
                elif kind.decode() in self._kinds:
                    name = kind.decode()
                    turn, end = int.from_bytes(value[:_TURN_BYTES], "big"), value[_TURN_BYTES:]
                    values.append((turn, name, rest, msgpack.decode(end, type=self._kinds[name])))
            except (MsgspecError, UnicodeDecodeError) as fault:
                raise Malformed(f"bus state {key!r}: cannot be read: {fault}") from fault
        self._changes = OrderedDict(sorted(changes, key=lambda item: item[1].number))
        for turn, name, rest, found in sorted(values, key=itemgetter(0)):
            self._values[name][rest] = found
            self._turns[name, rest] = self._turn = turn

    def get(self, kind: type[V], key: bytes) -> V | None:
        """Return the value under `key`; None where there is none."""
        found = self._values[self._names[kind]].get(key)
        assert found is None or isinstance(found, kind)
        return found

    def items(self, kind: type[V]) -> list[tuple[bytes, V]]:
        """Return all keys and values of a kind, the one put longest ago first."""
        return [
            (key, value) for key, value in self._values[self._names[kind]].items() if isinstance(value, kind)
        ]

    def count(self, kind: type[Struct]) -> int:
        """Return how many of a kind there are."""
        return len(self._values[self._names[kind]])

    def oldest(self, kind: type[V]) -> tuple[bytes, V] | None:
        """Return the one put longest ago; None where there is none."""
        values = self._values[self._names[kind]]
        key = next(iter(values), None)
        found = None if key is None else values[key]
        return (key, found) if key is not None and isinstance(found, kind) else None

    def put(self, key: bytes, value: Struct) -> None:
        """Keep a value, as the newest of its kind."""
        kind = self._names[type(value)]
        self._note(kind, key)
        self._set(kind, key, value)

    def drop(self, kind: type[Struct], key: bytes) -> None:
        """Keep nothing under `key` any more."""
        name = self._names[kind]
        self._note(name, key)
        self._set(name, key, None)

    # --- blocks

    def begin(self) -> None:
        """Begin a block: what is put from now on belongs to it."""
        self._before = {}

    def end(self, block_hash: bytes, number: int) -> None:
        """End the block that was begun; what is there of it already comes before."""
        before, self._before = self._before or {}, None
        if before:
            known = self._changes.get(block_hash)
            told = {(kind, key): _encoded(value) for (kind, key), value in before.items()}
            told |= {(kind, key): value for kind, key, value in (known.before if known else ())}
            self._keep(block_hash, _Change(number, tuple((*at, value) for at, value in told.items())))
        for old in [
            name for name, change in self._changes.items() if change.number <= number - self._window_blocks
        ]:
            del self._changes[old]
            self._state[self._change_key(old)] = None

    def touched(self, block_hash: bytes) -> list[tuple[type[Struct], bytes]]:
        """Return kind and key of all that a block of the window touched."""
        change = self._changes.get(block_hash)
        return [] if change is None else [(self._kinds[kind], key) for kind, key, _ in change.before]

    def revert(self, block_hash: bytes) -> None:
        """Take the newest block back: what it touched is as before it."""
        change = self._changes.get(block_hash)
        if change is None:
            return
        now = tuple((kind, key, _encoded(self._values[kind].get(key))) for kind, key, _ in change.before)
        self._apply(change.before)
        self._keep(block_hash, _Change(change.number, change.before, now))

    def restore(self, block_hash: bytes) -> None:
        """Take a reverted block as it was."""
        change = self._changes.get(block_hash)
        if change is not None:
            self._apply(change.after)
            self._keep(block_hash, _Change(change.number, change.before))

    def take(self) -> dict[bytes, bytes | None]:
        """Return the keys to set, or to delete where None, since the last call."""
        state, self._state = self._state, {}
        for kind, key in self._touched:
            value = _encoded(self._values[kind].get(key))
            if value is not None:
                value = self._turns[kind, key].to_bytes(_TURN_BYTES, "big") + value
            state[self.prefix + kind.encode() + b"/" + key] = value
        self._touched.clear()
        return state

    def _apply(self, values: tuple[tuple[str, bytes, bytes | None], ...]) -> None:
        for kind, key, value in values:
            decoded = None if value is None else msgpack.decode(value, type=self._kinds[kind])
            self._set(kind, key, decoded)

    def _note(self, kind: str, key: bytes) -> None:
        if self._before is not None:
            self._before.setdefault((kind, key), self._values[kind].get(key))

    def _set(self, kind: str, key: bytes, value: Struct | None) -> None:
        values = self._values[kind]
        values.pop(key, None)
        self._turns.pop((kind, key), None)
        if value is not None:
            values[key] = value
            self._turn += 1
            self._turns[kind, key] = self._turn
        self._touched.add((kind, key))

    def _keep(self, block_hash: bytes, change: _Change) -> None:
        self._changes[block_hash] = change
        self._state[self._change_key(block_hash)] = msgpack.encode(change)

    def _change_key(self, block_hash: bytes) -> bytes:
        return self.prefix + b"change/" + block_hash


def _encoded(value: Struct | None) -> bytes | None:
    return None if value is None else msgpack.encode(value)
