"""What does a chain's block, or a venue's message, say of whales: rows of events, and the state to keep."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
from msgspec import Struct

from tidemill._rust import Head, Logs, OrderFills, read_transfers
from tidemill.core.clock import NS_PER_S
from tidemill.process.pools import Batches
from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.journal import Journal
from tidemill.process.whales.linking import fund
from tidemill.process.whales.machine import KINDS, WhaleMachine
from tidemill.process.whales.positions import ZERO, Moved, Position
from tidemill.process.whales.seen import Seen, Watched, seen_in
from tidemill.process.whales.settlement import Fill, is_news
from tidemill.process.whales.shares import ShareLogs
from tidemill.process.whales.telling import Mark, Telling
from tidemill.schema import derive
from tidemill.schema.events import PositionChange, SettlementState
from tidemill.schema.faults import Malformed

_REORG = "reorg"
"""The connection of what is told of a reorg; its sequence is the count of the chain's changes."""


class Settling(NamedTuple):
    """Which logs of a chain tell of trades: its exchanges, as `chains` knows them."""

    source: str
    chain_id: int
    names: Mapping[bytes, str]
    """By contract: what its fills carry as their channel."""
    funding_tokens: frozenset[bytes] = frozenset()
    """Tokens of 6 decimals whose transfers tell who funded a wallet."""
    conduits: frozenset[bytes] = frozenset()
    """Who is no funder."""
    shares: ShareLogs = ShareLogs()
    """Who tells of shares that are split, merged and redeemed."""


class Told(NamedTuple):
    """What came of some blocks and messages."""

    trades: Batches
    """What the logs say, the same whoever is watched."""
    whales: Batches
    state: dict[bytes, bytes | None]
    faults: list[Malformed]


NOTHING_TOLD = Told([], [], {}, [])
"""What comes of a chain without exchanges."""


class WhaleBook:
    """The whales of one chain whose exchanges are read, or of venues alone where `settling` has none.

    Feed it blocks in the order in which they happened, and what venues tell; then take what came of them. It
    reads neither clock nor network. `window_blocks` is how many of the newest blocks can be taken back.
    """

    def __init__(self, settling: Settling, config: WhaleConfig, window_blocks: int) -> None:
        self._settling = settling
        self._fills = OrderFills(settling.source, settling.chain_id, list(settling.names.items()))
        self._journal = Journal(self.prefix_of(settling.source), KINDS, window_blocks)
        self._machine = WhaleMachine(self._journal, config)
        self._trades: list[pa.RecordBatch] = []
        self._events: list[Struct] = []
        self._faults: list[Malformed] = []

    @staticmethod
    def prefix_of(source: str) -> bytes:
        """Return what every key of a source's state starts with."""
        return f"whales/{source}/".encode()

    @property
    def watched(self) -> Mapping[bytes, Watched]:
        """The wallets whose trades are told."""
        return self._machine.watched

    def load(self, state: Mapping[bytes, bytes]) -> None:
        """Take up what an earlier run kept. Raises: Malformed."""
        self._journal.load((key, state[key]) for key in state if key.startswith(self._journal.prefix))

    def watch(self, wallets: Mapping[bytes, Watched]) -> None:
        """Take the wallets whose trades are told from now on."""
        self._machine.watched = dict(wallets)

    def seal(self, heads: Sequence[Head], logs: Logs, recv_ns: Sequence[int], now_ns: int) -> None:
        """Take blocks with all their tracked logs; each is the child of the one before."""
        for head, read_ns in zip(heads, recv_ns, strict=True):
            self._block(head, logs, (read_ns, now_ns), None)

    def revert(self, head: Head, recv_ns: int, sequence: int, now_ns: int) -> None:
        """Take the newest block back, and tell what matches and positions are without it."""
        telling = self._reorg(head, (recv_ns, now_ns), sequence)
        before = self._touched(head.hash)
        self._journal.revert(head.hash)
        self._restate(before, telling)

    def restore(
        self, head: Head, logs: Logs, times: tuple[int, int], change: tuple[int, Sequence[int]]
    ) -> None:
        """Take a reverted block again; `times` are when it was read and now, `change` its count and new logs.

        What it told is told already, but for logs that it lacked then.
        """
        sequence, new_log_indexes = change
        telling = self._reorg(head, times, sequence)
        before = self._touched(head.hash)
        self._journal.restore(head.hash)
        self._restate(before, telling)
        if new_log_indexes:
            self._block(head, logs, times, set(new_log_indexes))

    def told(self, batch: pa.RecordBatch, now_ns: int) -> None:
        """Take trades that a venue tells: matches, where this chain settles them, else settled ones."""
        for seen in seen_in(batch):
            if not seen.size:
                continue  # a venue may round what is next to nothing
            mark = Mark(seen.event_ns, seen.recv_ns, now_ns, seen.source, seen.connection, seen.sequence)
            # rows of one message are told by themselves: what they bring about must not share an identity
            telling = Telling(mark._replace(connection=f"{seen.connection}#{seen.row}"))
            if self._settling.names:
                self._machine.match([seen], telling)
            elif is_news(self._journal, seen, self._machine.config):
                self._machine.settle([seen], telling)
            self._events += telling.events

    def take(self) -> Told:
        """Return what came of all since the last call."""
        trades: Batches = [("wallet_trade", batch) for batch in self._trades]
        kinds: dict[str, list[Struct]] = {}
        for event in self._events:
            kinds.setdefault(str(event.__struct_config__.tag), []).append(event)
        whales: Batches = [(tag, derive.to_batch(kind)) for tag, kind in kinds.items()]
        taken = Told(trades, whales, self._journal.take(), self._faults)
        self._trades, self._events, self._faults = [], [], []
        return taken

    # --- one block

    def _block(self, head: Head, logs: Logs, times: tuple[int, int], only: set[int] | None) -> None:
        """Take a block; of one that was told in part, `only` these logs."""
        recv_ns, now_ns = times
        batch, wrong = self._fills.read(head, logs, recv_ns)
        self._faults += [Malformed(f"{self._settling.source}: {what}") for what in wrong if only is None]
        if only is not None:
            batch = batch.filter(pa.array([index in only for index in batch.column("row").to_pylist()]))
        if batch.num_rows:
            self._trades.append(batch)
        telling = Telling(self._mark(head, recv_ns, now_ns))
        self._journal.begin()
        transfers = read_transfers(head, logs, self._settling.funding_tokens)
        least = self._machine.config.funding_amount_min
        for wallet, funder in fund(self._journal, transfers, self._settling.conduits, least):
            if wallet in self.watched or funder.funder in self.watched:
                telling.link(wallet, funder)
        seen: list[Seen] = seen_in(batch) if batch.num_rows else []
        shares, unread = self._settling.shares.read(logs.of_block(head.hash))
        self._faults += [Malformed(f"{self._settling.source}: {fault}") for fault in unread if only is None]
        if only is not None:
            shares = [move for move in shares if move.log_index in only]
        self._machine.settle(seen, telling, shares)
        self._journal.end(head.hash, head.number)
        self._events += telling.events

    def _mark(self, head: Head, recv_ns: int, now_ns: int) -> Mark:
        settling = self._settling
        return Mark(
            event_ns=head.timestamp_s * NS_PER_S,
            recv_ns=recv_ns,
            detected_ns=now_ns,
            source=settling.source,
            connection=f"0x{head.hash.hex()}",
            sequence=head.number,
            chain_id=settling.chain_id,
            block_number=head.number,
            block_hash=head.hash,
        )

    # --- reorgs

    def _reorg(self, head: Head, times: tuple[int, int], sequence: int) -> Telling:
        recv_ns, now_ns = times
        mark = Mark(head.timestamp_s * NS_PER_S, recv_ns, now_ns, self._settling.source, _REORG, sequence)
        return Telling(mark)

    def _touched(self, block_hash: bytes) -> dict[tuple[type[Struct], bytes], Struct | None]:
        """Return the fills and positions that a block touches, as they are now."""
        touched = self._journal.touched(block_hash)
        return {
            (kind, key): self._journal.get(kind, key) for kind, key in touched if kind in (Fill, Position)
        }

    def _restate(self, before: Mapping[tuple[type[Struct], bytes], Struct | None], telling: Telling) -> None:
        """Tell of fills and positions that are not as they were before."""
        for (kind, key), was in before.items():
            now = self._journal.get(kind, key)
            if now == was:
                continue
            if isinstance(now, Position) or isinstance(was, Position):
                none = Position(ZERO, ZERO)
                old = was if isinstance(was, Position) else none
                new = now if isinstance(now, Position) else none
                wallet, token = key[:20], key[20:].decode()
                telling.position(wallet, token, Moved(old, new, None, None), PositionChange.RESTATED)
            elif isinstance(now, Fill) and now.is_matched_first:
                is_settled = now.state is SettlementState.SETTLED
                telling.settlement(now, SettlementState.SETTLED if is_settled else SettlementState.REVERTED)
        self._events += telling.events
