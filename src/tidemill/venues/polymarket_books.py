"""Who reads Polymarket's books: spreads tokens over sockets, asks for books that are missing or in doubt."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Protocol

import pyarrow as pa
from msgspec import Struct

from tidemill._rust import ConnectionsRead, read_polymarket_connections
from tidemill.core.backoff import Backoff
from tidemill.core.clock import Clock
from tidemill.core.http import HttpEndpoint, HttpFailure, HttpLimits
from tidemill.core.shards import Shards
from tidemill.schema.events import HashCheck, HealthState
from tidemill.schema.faults import Fault, Malformed, Unknown, leaves
from tidemill.venues.base import Origin
from tidemill.venues.polymarket import books_question, change_frames, map_others, market_frames
from tidemill.venues.polymarket_config import PolymarketConfig, market_url
from tidemill.venues.polymarket_link import Frames, LinkLimits, Listener, PolymarketLink

SOURCE = "polymarket"
_CHECK_S = 0.1
_MISSED_MAX = 2
"""A token of which the venue has no book, asked so often, is unknown."""
_TURN_S = 0.002_5
"""Sockets are read so often at most, and what all told meanwhile together: one by one, each frame cost four
times as much. The first after a pause is not kept waiting."""
_TOGETHER_BYTES_MAX = 1 << 20
"""More is read in the next turn: 10,000 books that come at once must not be in memory thrice."""
_INLINE_BYTES_MAX = 128 << 10
"""Reading so much takes below 1 ms; more is read in a thread."""


class BookKeeper(Protocol):
    """Who keeps the books, and all that is told."""

    @property
    def unfollowed_count(self) -> int:
        """How many messages so far were of books that are not kept."""
        ...

    def follow(self, tokens: Sequence[str]) -> None:
        """Begin to keep books."""
        ...

    def forget(self, tokens: Sequence[str]) -> None:
        """End keeping books."""
        ...

    async def take(self, batches: dict[str, pa.RecordBatch], events: Sequence[Struct]) -> Mapping[str, Fault]:
        """Keep what one connection told, by topic, and further events; return what books need a snapshot."""
        ...

    async def restart(self, tokens: Sequence[str], why: str, connection: str, sequence: int) -> None:
        """Void books until their next snapshots."""
        ...


class _Connection(Struct):
    """One connection of one socket, and how far its messages are numbered."""

    name: str
    sequence: int = 0
    newest_ns: int = 0
    """When the newest of what it told of books was so, by the venue's clock."""


class BookReader:
    """The market channel's sockets; `run` it until cancelled."""

    def __init__(
        self,
        config: PolymarketConfig,
        clock: Clock,
        run_id: str,
        keeper: BookKeeper,
        *,
        note: Callable[[Fault], None],
        fares: Callable[[str, HealthState, str], Awaitable[None]],
    ) -> None:
        self.links: dict[int, PolymarketLink] = {}
        """By shard."""
        self.resync_count = 0
        """Books that were asked for."""
        self._config = config
        self._clock = clock
        self._run_id = run_id
        self._keeper = keeper
        self._note = note
        self._fares = fares
        self._shards = Shards(config.tokens_per_connection)
        self._followed: set[str] = set()
        self._connections: dict[int, _Connection] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._awaited: dict[str, float] = {}
        """Tokens without a snapshot, and when it is asked for, by the loop's time."""
        self._missed: dict[str, int] = {}
        self._audited: dict[str, None] = {}
        """Tokens whose books are still to be compared in this round."""
        self._changed = asyncio.Event()
        self._asking = asyncio.Lock()
        self._held = asyncio.Event()
        """Set while a socket has messages that were not read."""
        self._hearing = asyncio.Lock()
        self._next_shard = 0
        """Whose socket is read first."""
        self._http = HttpEndpoint(
            f"{config.http_url}/books", clock, HttpLimits(answer_timeout_ms=config.answer_timeout_ms)
        )
        self._answers = _Connection(f"{run_id}-books")

    @property
    def followed(self) -> frozenset[str]:
        """The tokens whose books are read."""
        return frozenset(self._followed)

    @property
    def awaited_count(self) -> int:
        """How many books wait for a snapshot."""
        return len(self._awaited)

    def follow(self, tokens: Iterable[str]) -> None:
        """Read the books of tokens."""
        new = [token for token in dict.fromkeys(tokens) if token not in self._followed]
        self._followed.update(new)
        self._keeper.follow(new)
        added: dict[int, list[str]] = {}
        for token in new:
            added.setdefault(self._shards.add(token), []).append(token)
        for shard, its_tokens in added.items():
            if shard in self.links:
                self._expect(its_tokens)
                size = self._config.tokens_per_frame
                self.links[shard].send(change_frames("subscribe", its_tokens, size))
        self._changed.set()

    def forget(self, tokens: Iterable[str]) -> None:
        """Read the books of tokens no more."""
        gone = [token for token in tokens if token in self._followed]
        self._followed.difference_update(gone)
        self._keeper.forget(gone)
        for token in gone:
            self._awaited.pop(token, None)
            shard = self._shards.remove(token)
            if shard in self.links:
                self.links[shard].send(change_frames("unsubscribe", [token], 1))
        self._changed.set()

    async def run(self) -> None:
        """Read until cancelled. Raises: Refused."""
        try:
            async with self._http, asyncio.TaskGroup() as tasks:
                tasks.create_task(self._complete(), name="polymarket books")
                tasks.create_task(self._listen(), name="polymarket frames")
                while True:
                    self._changed.clear()
                    self._reconcile(tasks)
                    await self._changed.wait()
        except* Fault as faults:
            raise next(leaves(faults)) from None

    def _reconcile(self, tasks: asyncio.TaskGroup) -> None:
        """Have a socket for each shard, and none for those that ended."""
        for shard in set(self.links) - set(self._shards):
            self._tasks.pop(shard).cancel()
            del self.links[shard]
        for shard in self._shards:
            if shard not in self.links:
                link = self.links[shard] = self._link(shard)
                self._tasks[shard] = tasks.create_task(link.run(), name=f"polymarket books {shard}")

    def _link(self, shard: int) -> PolymarketLink:
        config = self._config

        def opening() -> Iterable[bytes]:
            tokens = sorted(self._shards.keys_of(shard))
            self._expect(tokens)
            return market_frames(tokens, config.tokens_per_frame)

        async def opened() -> None:
            number = self.links[shard].connection_count
            self._connections[shard] = _Connection(f"{self._run_id}-{shard}-{number}")
            await self._fares(f"{link.endpoint} #{shard}", HealthState.LIVE, "")

        async def closed(fault: Fault) -> None:
            self._note(fault)
            await self._hear()  # what came before the end counts
            connection = self._connections.setdefault(shard, _Connection(f"{self._run_id}-{shard}-0"))
            connection.sequence += 1
            tokens = sorted(self._shards.keys_of(shard))
            await self._keeper.restart(tokens, str(fault), connection.name, connection.sequence)
            connection.sequence += 1
            await self._fares(f"{link.endpoint} #{shard}", link.state, str(fault))

        async def silent() -> bool:
            try:
                newest_ns = await self._ask(sorted(self._shards.keys_of(shard)))
                return newest_ns <= self._connections[shard].newest_ns
            except Fault as fault:
                self._note(fault)
                return False

        link = PolymarketLink(
            market_url(config),
            self._clock,
            LinkLimits(
                config.ping_interval_ms,
                config.pong_timeout_ms,
                config.silence_ms,
                config.reconnect_first_ms,
                config.reconnect_max_ms,
            ),
            Listener(opening, opened, None, silent, closed, self._held.set),
        )
        return link

    # --- what is heard

    async def _listen(self) -> None:
        """Read what waits, turn by turn, until cancelled."""
        loop = asyncio.get_running_loop()
        turn_s = loop.time()
        while True:
            await self._held.wait()
            await asyncio.sleep(turn_s - loop.time())
            turn_s = loop.time() + _TURN_S
            self._held.clear()
            await self._hear()

    async def _hear(self) -> None:
        async with self._hearing:
            heard: list[tuple[_Connection, Frames]] = []
            held_bytes = 0
            for shard in self._in_turn():
                frames = self.links[shard].take()
                if frames:
                    heard.append((self._connections[shard], frames))
                    held_bytes += sum(len(frame) for _, frame in frames)
                if held_bytes > _TOGETHER_BYTES_MAX:
                    self._next_shard = shard + 1
                    self._held.set()
                    break
            if heard:
                await self._heard(heard)

    def _in_turn(self) -> list[int]:
        """Return the sockets, from the one that was left out the last time on."""
        return sorted(self.links, key=lambda shard: (shard < self._next_shard, shard))

    async def _heard(self, heard: Sequence[tuple[_Connection, Frames]]) -> None:
        """Keep what frames say, and see to the books of which it is not enough."""
        read = await self._read(heard)
        connections = [connection for connection, _ in heard]
        for connection, next_sequence, newest_ns in zip(
            connections, read.next_sequences, read.newest_ns, strict=True
        ):
            connection.sequence = next_sequence
            connection.newest_ns = max(connection.newest_ns, newest_ns or 0)
        if "book_snapshot" in read.batches:
            snapshots = read.batches["book_snapshot"].select(["instrument", "hash_check"])
            for token, check in zip(*(column.to_pylist() for column in snapshots.columns), strict=True):
                self._awaited.pop(token, None)
                self._missed.pop(token, None)
                if check == HashCheck.DIFFERENT:
                    self._note(Malformed(f"{SOURCE}: expected a book of token {token} with its own hash"))
        unfollowed = self._keeper.unfollowed_count
        gaps = await self._keeper.take(read.batches, self._others(read, connections))
        if self._keeper.unfollowed_count != unfollowed:  # looked for only where there are any: it takes time
            self._note_unfollowed(read.batches)
        for fault in gaps.values():
            self._note(fault)
        self._expect(gaps, is_due=True)
        await self._doubt(connections, read)

    def _note_unfollowed(self, batches: Mapping[str, pa.RecordBatch]) -> None:
        told: set[str] = set()
        for topic in ("book_snapshot", "book_change"):
            if topic in batches:
                told.update(batches[topic].column("instrument").unique().to_pylist())
        for token in told - self._followed:
            self._note(Unknown(f"{SOURCE}: expected a token that is followed, found {token}"))

    def _others(self, read: ConnectionsRead, connections: Sequence[_Connection]) -> list[Struct]:
        """Return what messages say that are of no book and no trade."""
        told: list[Struct] = []
        for place, sequence, recv_ns, json in read.others:
            origin = Origin(source=SOURCE, chain_id=137, dex=SOURCE, connection=connections[place].name)
            events, faults = map_others([(sequence, recv_ns, json)], origin)
            told += events
            for fault in faults:
                self._note(fault)
        return told

    async def _read(self, heard: Sequence[tuple[_Connection, Frames]]) -> ConnectionsRead:
        def read() -> ConnectionsRead:
            return read_polymarket_connections(
                [(connection.name, connection.sequence, frames) for connection, frames in heard],
                source=SOURCE,
                is_hash_checked=self._config.check_hash,
            )

        is_large = sum(len(frame) for _, frames in heard for _, frame in frames) > _INLINE_BYTES_MAX
        return await asyncio.to_thread(read) if is_large else read()

    async def _doubt(self, connections: Sequence[_Connection], read: ConnectionsRead) -> None:
        """Begin anew the books of which a message could not be read."""
        doubted: dict[int, set[str]] = {}
        for place, detail, instruments in read.unread:
            self._note(Malformed(f"{SOURCE} market: {detail}"))
            doubted.setdefault(place, set()).update(self._followed.intersection(instruments))
        for place, tokens in doubted.items():
            if not tokens:
                continue
            connection = connections[place]
            connection.sequence += 1
            why = "a message about it could not be read"
            await self._keeper.restart(sorted(tokens), why, connection.name, connection.sequence)
            connection.sequence += 1
            self._expect(tokens, is_due=True)

    # --- what is asked for

    def _expect(self, tokens: Iterable[str], *, is_due: bool = False) -> None:
        """Have books asked for, now or where they do not come in time."""
        wait_s = 0 if is_due else self._config.sync_timeout_ms / 1_000
        due_s = asyncio.get_running_loop().time() + wait_s
        for token in tokens:
            self._awaited[token] = min(due_s, self._awaited.get(token, due_s))

    async def _complete(self) -> None:
        """Ask for what is due, until cancelled."""
        config = self._config
        backoff = Backoff(config.reconnect_first_ms, config.reconnect_max_ms)
        loop = asyncio.get_running_loop()
        audit_s = loop.time()
        while True:
            now_s = loop.time()
            due = [token for token, due_s in self._awaited.items() if due_s <= now_s]
            chunk = due[: config.books_per_question]
            if not chunk and now_s - audit_s >= config.audit_ms / 1_000:
                audit_s, chunk = now_s, self._next_audited()
            if not chunk:
                await asyncio.sleep(_CHECK_S)
                continue
            try:
                await self._ask(chunk)
                await asyncio.sleep(config.resync_pause_ms / 1_000)
            except Fault as fault:
                self._note(fault)
                await asyncio.sleep(backoff.wait_s(0))

    def _next_audited(self) -> list[str]:
        """Return the tokens whose books were not compared for the longest time."""
        if not self._audited:
            self._audited = dict.fromkeys(self._followed)
        chunk = list(islice(self._audited, self._config.books_per_question))
        for token in chunk:
            del self._audited[token]
        return [token for token in chunk if token in self._followed and token not in self._awaited]

    async def _ask(self, tokens: list[str]) -> int:
        """Ask for books; return when the newest of them was so, by the venue's clock. Raises: Fault."""
        newest_ns = 0
        for begin in range(0, len(tokens), self._config.books_per_question):
            chunk = tokens[begin : begin + self._config.books_per_question]
            async with self._asking:
                answer = await self._http.post(books_question(chunk))
                if isinstance(answer, HttpFailure):
                    raise answer.fault
                self.resync_count += len(chunk)
                self._expect(chunk)  # a snapshot that comes takes it back
                self._answers.newest_ns = 0
                await self._heard([(self._answers, [(answer.recv_ns, answer.body)])])
                newest_ns = max(newest_ns, self._answers.newest_ns)
            self._miss([token for token in chunk if token in self._awaited])
        return newest_ns

    def _miss(self, tokens: list[str]) -> None:
        """Count the tokens of which there was no book in the answer; leave those that have none."""
        for token in tokens:
            self._missed[token] = self._missed.get(token, 0) + 1
        unknown = [token for token in tokens if self._missed[token] >= _MISSED_MAX]
        for token in unknown:
            self._note(Unknown(f"{SOURCE}: expected a book of token {token}, the venue has none"))
        self.forget(unknown)
