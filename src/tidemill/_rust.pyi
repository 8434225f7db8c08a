"""What the compiled module gives: frames read, pools followed, exact swaps.

Bytes are in the chain's own order: an address has 20, a hash 32. Amounts are raw token units. All classes are
immutable but `PoolSet` and `EvmState`, and safe to share between threads.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, Self, final

import pyarrow as pa
from typing_extensions import disjoint_base

__all__ = [
    "AlgebraPool",
    "Answer",
    "Applied",
    "BalancerV2Pool",
    "BookSet",
    "BooksApplied",
    "ChainSearch",
    "Changed",
    "CoinQueries",
    "CoinReading",
    "CoinsPool",
    "ConnectionsRead",
    "Costs",
    "CurveStablePool",
    "Drift",
    "EvmBlock",
    "EvmMissing",
    "EvmOutcome",
    "EvmOverrides",
    "EvmState",
    "Factory",
    "FeatureEngine",
    "FoundOpportunities",
    "FoundPath",
    "FramesRead",
    "Head",
    "LogIndexes",
    "Logs",
    "MalformedFrame",
    "Notice",
    "Opportunity",
    "OrderFills",
    "PathWatch",
    "Pool",
    "PoolCoin",
    "PoolError",
    "PoolQueries",
    "PoolReading",
    "PoolServer",
    "PoolSet",
    "PoolUnread",
    "Receipts",
    "Searcher",
    "SolidlyPool",
    "TickedPool",
    "TokenTrial",
    "ToldBooks",
    "UniswapV2Pool",
    "UniswapV3Pool",
    "UniswapV4Pool",
    "VenueRead",
    "bundle_program",
    "decode_aggregate3",
    "decode_bundle",
    "decode_logs",
    "dex_types",
    "encode_aggregate3",
    "encode_bundle",
    "export_rows",
    "inspect_block",
    "inspect_solana",
    "keccak256",
    "parse_bytes",
    "parse_head",
    "parse_logs",
    "parse_receipts",
    "read_frames",
    "read_kraken",
    "read_polymarket",
    "read_polymarket_connections",
    "read_recorded",
    "read_transfers",
    "size_paths",
    "taker_amount_out",
]

def inspect_block(
    document: bytes,
    *,
    wrapped: bytes | None,
    stables: Sequence[tuple[bytes, int]],
    routers: Sequence[tuple[bytes, str]],
) -> bytes:
    """Return, as JSON, what the transactions of a block were; `document` has its receipts, traces or both.

    Raises: Malformed.
    """

def inspect_solana(document: bytes) -> bytes:
    """Return, as JSON, what the transactions in an answer to `getTransaction` or `getBlock` were.

    Raises: Malformed.
    """

@final
class BooksApplied:
    """What some messages did to the books."""

    @property
    def batches(self) -> dict[str, pa.RecordBatch]:
        """Rows of `book_top` and `book_status`, those without rows left out."""
    @property
    def gaps(self) -> list[tuple[str, str]]:
        """Instruments whose books need a snapshot, and why: what was expected, what was found."""
    @property
    def skipped(self) -> int:
        """Messages that were in a snapshot already, or older than one."""
    @property
    def unfollowed(self) -> int:
        """Messages of instruments that are not followed."""
    @property
    def snapshots_agreeing(self) -> int:
        """Snapshots that told what the kept book had."""
    @property
    def snapshots_differing(self) -> int:
        """Snapshots that told otherwise."""

@final
class BookSet:
    """The order books of one venue, for one thread at a time: another waits.

    A book is void until a snapshot, and again where a change is missing; no other book is touched by that.
    Prices and sizes are numbers of 10^-18.
    """

    def __new__(
        cls,
        source: str,
        *,
        ordering: str,
        checksum: str | None,
        depth_max: int | None,
        top_strikes_max: int | None,
        waiting_max: int,
    ) -> Self:
        """Return a set without books; `core.book_rule` says what each means. Raises: ValueError."""
    def __len__(self) -> int: ...
    def live_count(self) -> int: ...
    def is_live(self, instrument: str) -> bool: ...
    def follow(self, instruments: Sequence[str]) -> None:
        """Begin to keep their books, which wait for snapshots; one that is kept stays as it is."""
    def forget(self, instruments: Sequence[str]) -> None: ...
    def apply(self, snapshots: pa.RecordBatch | None, changes: pa.RecordBatch | None) -> BooksApplied:
        """Apply the rows of `book_snapshot` and `book_change` of one connection, by their sequence.

        Raises: ValueError, where a batch is none of the schema's; nothing was applied then.
        """
    def restart(
        self, instruments: Sequence[str], detail: str, *, event_ns: int, connection: str, sequence: int
    ) -> BooksApplied:
        """Void books until their next snapshot, and tell so of those that were live."""
    def top(self, instrument: str) -> tuple[tuple[int, int] | None, tuple[int, int] | None] | None:
        """Return best bid and ask, each (price, size); None where the book is not live."""
    def depth(
        self, instrument: str, levels_max: int
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]] | None:
        """Return bids and asks, the best first; None where the book is not live."""
    def imbalance(self, instrument: str, levels_max: int) -> float | None:
        """Return (bid - ask) / (bid + ask) of the sizes of the best levels; None where there are none."""
    def microprice(self, instrument: str) -> float | None:
        """Return the mean of the best prices, each weighted with the other's size; None without both."""

@final
class ToldBooks:
    """What was told last of every book, for one thread at a time: another waits.

    Of 100,000 instruments at most: of more, those that were silent for longest go.
    """

    def __new__(cls) -> Self: ...
    def note(self, topic: str, batch: pa.RecordBatch) -> list[tuple[str, str]]:
        """Take rows of a topic that tells of books; return source and instrument of each that they are of.

        Raises: ValueError, where it is none of these topics, or lacks a column that is read.
        """
    def names(self) -> list[tuple[str, str]]:
        """Return source and instrument of all of which anything was told."""
    def told(
        self, source: str, instrument: str
    ) -> (
        tuple[
            str | None,
            list[tuple[int, int | None] | None] | None,
            int,
            int,
            int,
            str,
        ]
        | None
    ):
        """Return state, best bid and ask as numbers of 10^-18, recv_ns, sequence, event_ns and connection."""
    def command(
        self,
        names: list[tuple[str, str]],
        kept: list[tuple[str, BookSet]],
        *,
        script: str,
        prefix: str,
        levels_max: int,
        settings: list[int],
    ) -> bytes:
        """Return the `EVAL` command that has Redis run `script`, as it is sent.

        Its keys are `prefix`, source, a colon and instrument; its arguments `settings`, then each book as
        JSON, of the kept ones those that are live.
        """

@final
class VenueRead:
    """What some frames of an order-book venue say."""

    @property
    def batches(self) -> dict[str, pa.RecordBatch]:
        """Rows of `book_snapshot`, `book_change`, `trade` and `book_top`, those without rows left out."""
    @property
    def others(self) -> list[tuple[int, int, bytes]]:
        """Messages of other kinds: sequence, recv_ns, JSON."""
    @property
    def unread(self) -> list[tuple[int, str, list[str]]]:
        """What cannot be read: the frame's place, why, and whose books may lack a change for it."""
    @property
    def next_sequence(self) -> int:
        """The number that the next message gets."""

def read_polymarket(
    frames: Sequence[tuple[int, bytes]],
    *,
    source: str,
    connection: str,
    first_sequence: int,
    is_hash_checked: bool,
) -> VenueRead:
    """Read frames of Polymarket's market channel, each with its recv_ns, in order; raise nothing for them."""

@final
class ConnectionsRead:
    """What frames of several connections say."""

    @property
    def batches(self) -> dict[str, pa.RecordBatch]:
        """Rows by topic, as `VenueRead` has them; those of one connection lie together."""
    @property
    def others(self) -> list[tuple[int, int, int, bytes]]:
        """Messages of other kinds: the connection's place, sequence, recv_ns, JSON."""
    @property
    def unread(self) -> list[tuple[int, str, list[str]]]:
        """What cannot be read: the connection's place, why, and whose books may lack a change for it."""
    @property
    def next_sequences(self) -> list[int]:
        """The number that the next message of each connection gets."""
    @property
    def newest_ns(self) -> list[int | None]:
        """When the newest of what each told of books was so, by the venue's clock."""

def read_polymarket_connections(
    heard: Sequence[tuple[str, int, Sequence[tuple[int, bytes]]]], *, source: str, is_hash_checked: bool
) -> ConnectionsRead:
    """Do what `read_polymarket` does, for several connections: name, first sequence, frames."""

def read_kraken(
    frames: Sequence[tuple[int, bytes]], *, source: str, connection: str, first_sequence: int
) -> VenueRead:
    """Read frames of Kraken's books and trades, each with its recv_ns, in order; raise nothing for them."""

def export_rows(
    batch: pa.RecordBatch, kinds: Sequence[str], form: Literal["csv", "json_lines", "json_items", "tfrecord"]
) -> list[bytes]:
    """Return the rows as pieces of a file; `kinds` names the logical type of each column.

    Raises: ValueError, where a kind is unknown or a column is not of its kind.
    """

def keccak256(data: bytes) -> bytes:
    """Return the Keccak-256 hash of `data`, 32 bytes."""

@final
class Head:
    """What a block says about itself, without its transactions."""

    def __new__(
        cls,
        *,
        number: int,
        hash: bytes,
        parent_hash: bytes,
        timestamp_s: int,
        base_fee_wei: int | None = None,
        gas_used: int,
        gas_limit: int,
        receipts_root: bytes | None = None,
        logs_bloom: bytes | None = None,
        is_hash_proven: bool = False,
    ) -> Self: ...
    @property
    def number(self) -> int: ...
    @property
    def hash(self) -> bytes: ...
    @property
    def parent_hash(self) -> bytes: ...
    @property
    def timestamp_s(self) -> int: ...
    @property
    def base_fee_wei(self) -> int | None:
        """Absent before EIP-1559."""
    @property
    def gas_used(self) -> int: ...
    @property
    def gas_limit(self) -> int: ...
    @property
    def receipts_root(self) -> bytes | None: ...
    @property
    def logs_bloom(self) -> bytes | None:
        """The filter of its logs, 256 bytes."""
    @property
    def is_hash_proven(self) -> bool:
        """Whether all fields that the node told of the header hash to `hash`.

        False says nothing where a field is missing or the chain's header is not the standard's.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class LogIndexes:
    """Log indexes of one block: a frozen set, iterated in ascending order."""

    def __new__(cls, indexes: Sequence[int]) -> Self: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[int]: ...
    def __contains__(self, index: int, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __or__(self, others: LogIndexes, /) -> LogIndexes:
        """Return those of either."""
    def __sub__(self, others: LogIndexes, /) -> LogIndexes:
        """Return those that `others` lack."""
    def __ge__(self, others: LogIndexes, /) -> bool:
        """Say whether it has all of `others`."""

@final
class Logs:
    """Logs in the chain's order: by block number, then by log index.

    Two blocks of one number, which a reorg brings, stay apart: their hashes decide which comes first.
    """

    def __new__(cls) -> Self:
        """Return no logs."""
    def __len__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def blocks(self) -> list[tuple[int, bytes, int]]:
        """Return number, hash and count of logs of each block that the logs are of, in order."""
    def of_block(self, hash: bytes) -> Logs:
        """Return the logs of one block; none where it has none here."""
    def matching(self, topics: set[bytes], addresses: set[bytes]) -> Logs:
        """Return the logs whose first topic is one of `topics`; of these contracts, where given.

        It is what `eth_getLogs` does with such a filter.
        """
    def bloom(self) -> bytes:
        """Return the filter of the logs, 256 bytes: a header's, if they are all that its block has."""
    def keys(self) -> list[tuple[bytes, int]]:
        """Return block hash and log index of each log, in order."""
    def log_indexes(self) -> LogIndexes:
        """Return the log indexes, of whatever blocks."""
    @staticmethod
    def concat(parts: Sequence[Logs]) -> Logs:
        """Return all logs of `parts` in the chain's order; an exact copy of a log counts once.

        Raises: Malformed, where two different logs claim one place.
        """
    def to_bytes(self) -> bytes:
        """Return the logs as bytes of a version of their own."""
    @staticmethod
    def from_bytes(data: bytes) -> Logs:
        """Return the logs that `to_bytes` gave. Raises: Malformed, where they are none."""
    def to_arrow(self) -> pa.RecordBatch:
        """Return the logs as columns.

        block_number uint64, block_hash and tx_hash binary[32], tx_index and log_index uint32,
        address binary[20], topics list of binary[32], data binary; none of them null.
        """
    @staticmethod
    def from_arrow(batch: pa.RecordBatch) -> Logs:
        """Return the logs of columns such as `to_arrow` gives; other columns are passed over.

        Raises: Malformed, where two different logs claim one place; ValueError, where a column is missing or
        wrong.
        """

@final
class Notice:
    """What a subscription says: a head, logs that came one after another, or something else."""

    @property
    def subscription(self) -> str:
        """Which subscription, as the node named it."""
    @property
    def head(self) -> Head | None: ...
    @property
    def announced(self) -> list[tuple[bytes, LogIndexes]] | None:
        """Hashes of blocks, and the indexes of their logs that were announced."""
    @property
    def is_removed(self) -> bool:
        """Whether a reorg took the logs away."""
    @property
    def other(self) -> bytes | None:
        """What is neither a head nor a log, as JSON."""
    @property
    def frame(self) -> int:
        """The index of the frame that said it; of several that are told as one, the last."""

@final
class Answer:
    """The answer to a call: `result`, or `error`."""

    @property
    def id(self) -> int | None:
        """The call's number; absent where the node refuses and could not tell which call."""
    @property
    def result(self) -> bytes | None:
        """The answer as JSON, as the node spelt it."""
    @property
    def error(self) -> tuple[int, str] | None:
        """JSON-RPC code and the node's own words."""
    @property
    def error_data(self) -> bytes | None:
        """More of the refusal, as JSON."""
    @property
    def frame(self) -> int:
        """The index of the frame that said it; of several that are told as one, the last."""

@final
class MalformedFrame:
    """A frame, or one answer of it, that cannot be read."""

    @property
    def message(self) -> str:
        """What was expected, what was found, where."""
    @property
    def frame(self) -> int:
        """The index of the frame that said it; of several that are told as one, the last."""

@final
class FramesRead:
    """Frames of a recording that came one after another, and what was heard in them."""

    @property
    def heard(self) -> list[Notice | Answer | MalformedFrame]:
        """What `read_frames` tells of them."""
    def __len__(self) -> int: ...
    def origin(self, index: int) -> tuple[int, str]:
        """Return when a frame came, ns since 1970, and over which connection. Raises: IndexError."""
    def data(self, index: int) -> bytes:
        """Return a frame. Raises: IndexError."""

def read_recorded(content: bytes, frame_kind: int) -> list[FramesRead | tuple[int, int, str, bytes]] | None:
    """Read a chunk of a recording: its frames, and kind, time, connection and data of all else.

    Returns: None, where it is not encoded as the recorder does it.
    """

def read_frames(frames: Sequence[bytes]) -> list[Notice | Answer | MalformedFrame]:
    """Read frames in the order they came; one that cannot be read does not spoil the others.

    Logs of one subscription that follow each other become one notice; a batch of answers is told answer by
    answer.
    """

def parse_logs(result: bytes) -> Logs:
    """Read the answer to `eth_getLogs`.

    Raises: Malformed, where it is no list of logs that have a place in the chain, or has a log twice.
    """

def parse_bytes(result: bytes) -> bytes:
    """Read the answer to `eth_call`, a JSON string of bytes. Raises: Malformed, where it is none."""

def parse_head(result: bytes) -> Head | None:
    """Read the answer to `eth_getBlockByNumber` or `eth_getBlockByHash`; None where there is no such block.

    Raises: Malformed, where it is neither null nor a block that has a place in the chain.
    """

@final
class Receipts:
    """The receipts of one block, and what its header must say if they are true and complete.

    Of a log, a header's root covers address, topics, data and place in the block; not the transaction's hash.
    """

    @property
    def root(self) -> bytes:
        """The root of the receipts' trie, 32 bytes, recomputed."""
    @property
    def bloom(self) -> bytes:
        """The filter of the logs that the root covers, 256 bytes, recomputed."""
    @property
    def block_number(self) -> int | None:
        """Absent, as the hash is, where there are no receipts to say it."""
    @property
    def block_hash(self) -> bytes | None: ...
    @property
    def count(self) -> int:
        """How many receipts the answer has."""
    @property
    def outside_root(self) -> int:
        """How many of them, at most one, the root does not cover, nor the filter.

        A last receipt from nobody that used no gas: Polygon's bridge makes such. Elsewhere it is a lie.
        """
    @property
    def logs(self) -> Logs:
        """All logs of the block; those outside the root are the last transaction's."""

def parse_receipts(result: bytes) -> Receipts | None:
    """Read the answer to `eth_getBlockReceipts`, in any order; None where there is no such block.

    Raises: Malformed, where it is neither null nor every receipt of one block once, or a log is out of place.
    """

class PoolError(ValueError):
    """The contract would refuse, or the pool cannot tell; the message says why."""

@final
class EvmBlock:
    """The block that calls run in."""

    def __new__(
        cls,
        *,
        number: int,
        timestamp_s: int,
        base_fee_wei: int,
        gas_limit: int,
        fee_recipient: bytes,
        prev_randao: bytes,
    ) -> Self:
        """Take what a header says."""

@final
class EvmMissing:
    """A part of the state that a call needed: an account, a slot of one, or a block's hash."""

    @property
    def address(self) -> bytes | None:
        """The account, or the one whose slot it is."""
    @property
    def slot(self) -> int | None:
        """The slot, where it is one."""
    @property
    def block_number(self) -> int | None:
        """The block, where its hash is missing."""

@final
class EvmOutcome:
    """What a call did."""

    @property
    def is_success(self) -> bool:
        """Whether it went through."""
    @property
    def gas_used(self) -> int:
        """Gas that would be paid for, refunds taken off."""
    @property
    def output(self) -> bytes:
        """What it returned or reverted with."""
    @property
    def halt(self) -> str | None:
        """Why the machine stopped without a revert."""
    def balance_changes(self) -> list[tuple[bytes | None, bytes, int, int]]:
        """Return token (None: ether), holder, and the balances before and after, of each that changed."""
    def access_list(self, implied: Sequence[bytes]) -> list[tuple[bytes, list[int]]]:
        """Return accounts with the slots that were touched; `implied` ones only where there are slots."""

@final
class EvmOverrides:
    """What calls see otherwise than it is."""

    def __new__(
        cls,
        overrides: Sequence[tuple[bytes, int | None, int | None, bytes | None, Sequence[tuple[int, int]]]],
    ) -> Self:
        """Take each account's address, balance, nonce, code, and slots; None: as it is."""

@final
class EvmState:
    """A chain's state at one block, as far as it is known; what is not known is missing, never zero."""

    def __new__(cls, *, chain_id: int, rules: str) -> Self:
        """Know nothing; calls run by the rules of this hard fork. Raises: ValueError, where there is none."""
    def put_account(self, address: bytes, balance_wei: int, nonce: int, code: bytes | None) -> None:
        """Put an account; where `code` is None, its code stays."""
    def put_slot(self, address: bytes, slot: int, value: int) -> None:
        """Put what a slot holds."""
    def put_block_hash(self, number: int, hash: bytes) -> None:
        """Put a block's hash."""
    def forget_values(self) -> None:
        """Forget slots and hashes; accounts stay."""
    def run(
        self,
        block: EvmBlock,
        *,
        sender: bytes,
        to: bytes | None,
        data: bytes,
        value_wei: int,
        gas_limit: int,
        gas_price_wei: int,
    ) -> EvmOutcome | EvmMissing:
        """Run a call; the state stays as it is. Raises: Refused, where no block would take it."""
    def run_each(
        self,
        block: EvmBlock,
        calls: Sequence[
            tuple[bytes, bytes | None, bytes, int, int, int, Sequence[tuple[bytes, bytes]] | None]
        ],
        overrides: EvmOverrides,
    ) -> list[EvmOutcome | EvmMissing]:
        """Run each call by itself, on all processors: sender, to, data, value, gas limit, gas price, and the
        tokens and holders whose balances are told (None: all that logs name). The state stays as it is.

        Raises: Refused, where no block would take one of them.
        """
    def agrees(self, outcome: EvmOutcome) -> bool:
        """Say whether all that a call read elsewhere is known here and the same.

        In the same block, with the same overrides, it would do the same here.
        """
    def keep(self, outcome: EvmOutcome) -> None:
        """Make what a call did part of the state."""

@final
class Factory:
    """A factory whose pools are followed: a fork of a protocol is one of these values."""

    def __new__(
        cls,
        address: bytes,
        protocol: str,
        dex: str,
        fee_numerator: int = 997,
        fee_denominator: int = 1000,
        generation: str | None = None,
    ) -> Self:
        """Return the factory of `dex`; its V2 pools swap `fee_numerator / fee_denominator` of an amount in.

        Of Algebra, and only of it, `generation` says whose code its pools run: v1, v1_directional, v2 or
        integral. Of Uniswap V4 the address is the PoolManager's.
        Raises: ValueError, where protocol or generation is unknown or the fee is not a fraction below one.
        """
    @property
    def address(self) -> bytes: ...
    @property
    def protocol(self) -> str: ...
    @property
    def dex(self) -> str: ...
    @property
    def fee_numerator(self) -> int: ...
    @property
    def fee_denominator(self) -> int: ...
    @property
    def generation(self) -> str | None: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class FeatureEngine:
    """The windows of one chain, and the features made of them; one thread at a time may use it."""

    def __new__(cls, plan: str) -> Self:
        """Return an engine that has seen nothing.

        Raises: ValueError, where the plan does not fit together.
        """
    @property
    def place(self) -> int:
        """The place of the last row in the chain: block number, and transaction in it."""
    @property
    def keys(self) -> int:
        """How many keys are kept."""
    def run(self, batches: Sequence[tuple[str, pa.RecordBatch]], fed: int) -> list[pa.RecordBatch]:
        """Take batches of events by topic, and return those of the asked topic after the first `fed` batches.

        Returns: each with its features in further columns, float64; null is absent. A row's features are of
            rows at lower places alone.
        Raises: Refused, where a row lies before what was taken already, and then none is taken; Malformed,
            where a batch lacks a column; ValueError, where the plan names what the rows lack.
        """
    def peek(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch of the asked topic with the features that it would have now; nothing is kept of it.

        Raises: Malformed, where it lacks a column.
        """
    def copy(self) -> Self:
        """Return another that goes on from here by itself; it shares what neither changes."""
    def save(self) -> bytes:
        """Return all that is kept."""
    def restore(self, saved: bytes) -> None:
        """Take up what was saved. Raises: Malformed, where it is another plan's, or broken."""

@disjoint_base
class Pool:
    """What pools of every kind have in common. A pool is a value: what changes it returns another."""

    @property
    def protocol(self) -> str:
        """The kind of pool, as in the events."""
    @property
    def dex(self) -> str | None:
        """Absent, as the addresses are, for a pool that was made by hand."""
    @property
    def address(self) -> bytes | None: ...
    @property
    def factory(self) -> bytes | None: ...
    @property
    def token0(self) -> bytes | None: ...
    @property
    def token1(self) -> bytes | None: ...
    @property
    def fee_ppm(self) -> int | None:
        """Fee in millionths of the amount paid in, rounded to the nearest; absent where it is not known.

        Where both ways differ, that of token 0 for token 1.
        """
    @property
    def is_complete(self) -> bool:
        """Whether all is known that a quote needs: ticks, fee, decimals.

        A pool that is not complete follows its logs but quotes nothing.
        """
    def amount_out(self, zero_for_one: bool, amount_in: int) -> int:
        """Return what `amount_in` buys, to the last unit.

        Where a V3 pool's liquidity runs out, what was bought until then, as its quoter does.
        Raises: PoolError.
        """
    def amount_in(self, zero_for_one: bool, amount_out: int) -> int:
        """Return what `amount_out` costs, to the last unit.

        Raises: PoolError, also where the pool cannot deliver it.
        """
    def quote(
        self, zero_for_one: bool, *, amount_in: int | None = None, amount_out: int | None = None
    ) -> tuple[int, int, int]:
        """Return amount in, amount out and initialised ticks crossed, for either amount.

        Raises: PoolError.
        """
    def amounts_out(
        self, zero_for_one: bool, amounts: pa.FixedSizeBinaryArray | Sequence[int]
    ) -> pa.FixedSizeBinaryArray:
        """Return what each amount buys; null where it is refused. Amounts are binary[32], little-endian."""
    def amounts_in(
        self, zero_for_one: bool, amounts: pa.FixedSizeBinaryArray | Sequence[int]
    ) -> pa.FixedSizeBinaryArray:
        """Return what each amount costs; null where it is refused. Amounts are binary[32], little-endian."""
    def price(self) -> float:
        """Return token 1 per token 0, raw units, before the fee. Raises: PoolError, where there is none."""
    def price_ratio(self) -> tuple[int, int]:
        """Return the price as numerator and denominator, exactly. Raises: PoolError, where there is none."""
    def __eq__(self, other: object, /) -> bool: ...

@final
class BalancerV2Pool:
    """A weighted or a stable pool of Balancer's V2 vault; its tokens are named by their places in it."""

    @staticmethod
    def weighted(
        *,
        balances: Sequence[int],
        weights: Sequence[int],
        scaling_factors: Sequence[int],
        fee: int,
        has_power_shortcuts: bool = True,
    ) -> BalancerV2Pool:
        """Return a weighted pool; weights, factors and fee as its contract tells them, with 18 decimals.

        The pools of 2021 have no shortcuts for the exponents 1, 2 and 4.
        Raises: PoolError, where the lists differ in length, a weight or factor is zero or the fee is not less
        than one.
        """
    @staticmethod
    def stable(
        *,
        balances: Sequence[int],
        amplification: int,
        scaling_factors: Sequence[int],
        fee: int,
        bpt_index: int | None = None,
        rounding: str = "down",
    ) -> BalancerV2Pool:
        """Return a stable pool; amplification (times 1000), factors and fee as its contract tells them.

        `bpt_index` is where its own share token stands among its tokens; it is never traded here. The
        invariant of the pools of 2021 rounds "up".
        Raises: PoolError, where the lists differ in length, a factor is zero or the fee is not below one;
        ValueError, where the rounding is neither.
        """
    @property
    def protocol(self) -> str: ...
    @property
    def balances(self) -> list[int]:
        """Raw balances, a share token's included."""
    def amount_out(self, token_in: int, token_out: int, amount_in: int) -> int:
        """Return what `amount_in` buys, to the last unit. Raises: PoolError."""
    def amount_in(self, token_in: int, token_out: int, amount_out: int) -> int:
        """Return what `amount_out` costs, to the last unit. Raises: PoolError."""
    def amounts_out(
        self, token_in: int, token_out: int, amounts: pa.FixedSizeBinaryArray | Sequence[int]
    ) -> pa.FixedSizeBinaryArray:
        """Return what each amount buys; null where it is refused. Amounts are binary[32], little-endian."""
    def amounts_in(
        self, token_in: int, token_out: int, amounts: pa.FixedSizeBinaryArray | Sequence[int]
    ) -> pa.FixedSizeBinaryArray:
        """Return what each amount costs; null where it is refused. Amounts are binary[32], little-endian."""
    def swap(self, token_in: int, token_out: int, amount_in: int) -> tuple[BalancerV2Pool, int]:
        """Return the pool after a swap, and what went out. Raises: PoolError."""
    def price_ratio(self, token_in: int, token_out: int) -> tuple[int, int]:
        """Return token out per token in, raw units, before the fee, as numerator and denominator.

        Raises: PoolError.
        """
    def __eq__(self, other: object, /) -> bool: ...

@final
class CurveStablePool:
    """A Curve StableSwap pool whose coins all are its own; they are named by their places in it."""

    def __new__(
        cls,
        *,
        generation: str,
        balances: Sequence[int],
        rates: Sequence[int],
        amplification: int,
        fee: int,
        admin_fee: int,
        offpeg_fee_multiplier: int = 0,
    ) -> Self:
        """Return a pool that rounds as its generation does.

        `generation` is one of three_pool, lending, aave, template, factory, ng. `rates` are
        10^(36 - decimals), times the coin's own rate where it has one; `amplification` is what `A_precise`
        tells, or `A` of pools without one; fees are in 10^-10.
        Raises: PoolError, where there are not 2 to 8 coins with as many rates; ValueError, where there is no
        such generation.
        """
    @property
    def protocol(self) -> str: ...
    @property
    def balances(self) -> list[int]:
        """Raw balances, admin fees left out."""
    def amount_out(self, token_in: int, token_out: int, amount_in: int) -> int:
        """Return what `amount_in` buys, to the last unit, as `get_dy` tells. Raises: PoolError."""
    def amount_in(self, token_in: int, token_out: int, amount_out: int) -> int:
        """Return the least amount in that buys at least `amount_out`. Raises: PoolError."""
    def amounts_out(
        self, token_in: int, token_out: int, amounts: pa.FixedSizeBinaryArray | Sequence[int]
    ) -> pa.FixedSizeBinaryArray:
        """Return what each amount buys; null where it is refused. Amounts are binary[32], little-endian."""
    def amounts_in(
        self, token_in: int, token_out: int, amounts: pa.FixedSizeBinaryArray | Sequence[int]
    ) -> pa.FixedSizeBinaryArray:
        """Return what each amount costs; null where it is refused. Amounts are binary[32], little-endian."""
    def swap(self, token_in: int, token_out: int, amount_in: int) -> tuple[CurveStablePool, int]:
        """Return the pool after a swap, and what went out. Raises: PoolError."""
    def price_ratio(self, token_in: int, token_out: int) -> tuple[int, int]:
        """Return token out per token in, raw units, before the fee, as numerator and denominator.

        Raises: PoolError.
        """
    def __eq__(self, other: object, /) -> bool: ...

@final
class UniswapV2Pool(Pool):
    """A Uniswap V2 pair, or one of a fork."""

    def __new__(
        cls, *, reserve0: int, reserve1: int, fee_numerator: int = 997, fee_denominator: int = 1000
    ) -> Self:
        """Return a pair.

        Raises: PoolError, where a reserve does not fit 112 bits or the fee is no fraction below one.
        """
    @property
    def reserve0(self) -> int: ...
    @property
    def reserve1(self) -> int: ...
    @property
    def fee_numerator(self) -> int: ...
    @property
    def fee_denominator(self) -> int: ...
    def swap(
        self, zero_for_one: bool, *, amount_in: int | None = None, amount_out: int | None = None
    ) -> tuple[UniswapV2Pool, int, int]:
        """Return the pair after a swap, and what came in and went out. Raises: PoolError."""

class TickedPool(Pool):
    """What pools whose liquidity lies between ticks have in common."""

    @property
    def sqrt_price_x96(self) -> int | None:
        """Absent, as tick and liquidity are, before the pool has a price."""
    @property
    def tick(self) -> int | None: ...
    @property
    def liquidity(self) -> int | None:
        """Liquidity in range."""
    @property
    def tick_spacing(self) -> int: ...
    @property
    def ticks(self) -> list[tuple[int, int, int]]:
        """Initialised ticks in ascending order: tick, gross and net liquidity."""
    def swap(
        self,
        zero_for_one: bool,
        *,
        amount_in: int | None = None,
        amount_out: int | None = None,
        sqrt_price_limit_x96: int | None = None,
    ) -> tuple[Self, int, int]:
        """Return the pool after a swap, which may stop at a price, and what came in and went out.

        Raises: PoolError.
        """

@final
class UniswapV3Pool(TickedPool):
    """A Uniswap V3 pool, or one of a fork."""

    def __new__(
        cls,
        *,
        sqrt_price_x96: int,
        tick: int,
        liquidity: int,
        fee_ppm: int,
        tick_spacing: int,
        ticks: Sequence[tuple[int, int, int]],
    ) -> Self:
        """Return a pool; `ticks` are all that are initialised, as tick, gross and net liquidity.

        Raises: PoolError, where a fee, a spacing or a tick is out of range.
        """
    def with_liquidity(self, tick_lower: int, tick_upper: int, delta: int) -> UniswapV3Pool:
        """Return the pool after a mint, or a burn where `delta` is below zero. Raises: PoolError."""

@final
class SolidlyPool(Pool):
    """A pool of Solidly, Velodrome, Aerodrome or another fork: volatile or stable."""

    def __new__(
        cls,
        *,
        rules: str,
        is_stable: bool,
        reserves: tuple[int, int],
        decimals: tuple[int, int],
        fee_numerator: int,
        fee_denominator: int = 10_000,
    ) -> Self:
        """Return a pool that swaps `fee_numerator / fee_denominator` of an amount in.

        `rules` are solidly, also Velodrome V1's, or velodrome, V2's and Aerodrome's.
        Raises: PoolError, where a number is out of range; ValueError, where the rules are unknown.
        """
    @property
    def reserve0(self) -> int: ...
    @property
    def reserve1(self) -> int: ...
    @property
    def is_stable(self) -> bool: ...
    @property
    def rules(self) -> str: ...
    @property
    def fee_numerator(self) -> int | None:
        """What is left of an amount in, in `fee_denominator` parts; absent before a node told it."""
    @property
    def fee_denominator(self) -> int | None: ...
    @property
    def decimals(self) -> tuple[int, int] | None:
        """Of token 0 and token 1; absent, as the fee is, before a node told them."""
    def swap(
        self, zero_for_one: bool, *, amount_in: int | None = None, amount_out: int | None = None
    ) -> tuple[SolidlyPool, int, int]:
        """Return the pool after a swap, and what came in and went out. Raises: PoolError."""

@final
class AlgebraPool(TickedPool):
    """An Algebra pool, such as one of QuickSwap V3."""

    def __new__(
        cls,
        *,
        generation: str,
        fees_ppm: tuple[int, int],
        slot: tuple[int, int, int],
        ticks: Sequence[tuple[int, int, int]],
    ) -> Self:
        """Return a pool with fees of token 0 for token 1 and back; `slot` is sqrt price, tick and liquidity.

        Raises: PoolError, where a fee or a tick is out of range; ValueError, where the generation is unknown.
        """
    @property
    def generation(self) -> str:
        """v1, v1_directional, v2 or integral."""
    @property
    def fees_ppm(self) -> tuple[int, int] | None:
        """Of token 0 for token 1, and back; absent before a log or a node told them."""
    @property
    def is_fee_overridden(self) -> bool:
        """Whether a plugin set another fee for the last swap: the pool quotes nothing then."""
    @property
    def has_limit_orders(self) -> bool:
        """Whether limit orders were placed: the pool quotes nothing then."""

@final
class UniswapV4Pool(TickedPool):
    """A Uniswap V4 pool. Its `address` is the first 20 bytes of its id, its `factory` the PoolManager.

    One with hooks, or with a fee that its hook sets, is followed and quotes nothing.
    """

    def __new__(
        cls,
        *,
        pool_id: bytes,
        fee: int,
        tick_spacing: int,
        slot: tuple[int, int, int],
        ticks: Sequence[tuple[int, int, int]],
        hooks: bytes = ...,
        protocol_fee: int = 0,
    ) -> Self:
        """Return a pool; `slot` is sqrt price, tick and liquidity, `protocol_fee` as the contract packs it.

        Raises: PoolError, where a fee, the spacing or a tick is out of range.
        """
    @property
    def pool_id(self) -> bytes: ...
    @property
    def encoded_key(self) -> bytes | None:
        """Its key as the contract encodes it: the id is its hash. Absent for a pool that was made by hand."""
    @property
    def hooks(self) -> bytes | None:
        """Absent where it has none."""
    @property
    def is_fee_dynamic(self) -> bool:
        """Whether its hook sets the fee."""
    @property
    def protocol_fee(self) -> int:
        """12 bits for token 0 to token 1, 12 above them for the way back, in millionths."""

class _Snapshot(Protocol):
    """A pool as it was read from a node, with what its protocol needs of the rest.

    Solidly: rules, is_stable, decimals0, decimals1. Algebra: rules, fee_back_ppm, is_fee_overridden,
    has_limit_orders. Uniswap V4: pool_id, key_fee, protocol_fee, hooks.
    """

    @property
    def address(self) -> bytes: ...
    @property
    def protocol(self) -> str: ...
    @property
    def dex(self) -> str: ...
    @property
    def factory(self) -> bytes: ...
    @property
    def token0(self) -> bytes: ...
    @property
    def token1(self) -> bytes: ...
    @property
    def block_number(self) -> int: ...
    @property
    def block_hash(self) -> bytes: ...
    @property
    def fee_ppm(self) -> int | None: ...
    @property
    def fee_numerator(self) -> int | None: ...
    @property
    def fee_denominator(self) -> int | None: ...
    @property
    def reserve0(self) -> int | None: ...
    @property
    def reserve1(self) -> int | None: ...
    @property
    def sqrt_price_x96(self) -> int | None: ...
    @property
    def tick(self) -> int | None: ...
    @property
    def liquidity(self) -> int | None: ...
    @property
    def tick_spacing(self) -> int | None: ...
    @property
    def ticks(self) -> Sequence[tuple[int, int, int]]: ...

@final
class Drift:
    """A log contradicts the ticks that were kept: a mint or burn was missed, and the pool must be read anew.

    Until then it follows its price and quotes nothing. `str` says it in words.
    """

    @property
    def pool(self) -> bytes: ...
    @property
    def block_number(self) -> int: ...
    @property
    def log_index(self) -> int: ...
    @property
    def expected(self) -> int | None:
        """Liquidity in range that the ticks make up; absent where they do not add up."""
    @property
    def found(self) -> int:
        """Liquidity that the log tells."""

@final
class Changed:
    """Records of the state of pools that were set, or deleted."""

    def __len__(self) -> int: ...
    def pools(self) -> list[bytes]:
        """Return the addresses of their pools, sorted."""
    def records(self, prefix: bytes) -> list[tuple[bytes, bytes | None]]:
        """Return keys, which begin with `prefix` and the pool's address, and values, None where deleted."""

@final
class Applied:
    """What blocks, or a snapshot, did."""

    @property
    def lapsed(self) -> list[bytes]:
        """Addresses of pools whose state, as it was read, holds no longer."""
    @property
    def undo(self) -> list[tuple[int, bytes, bytes]]:
        """For each block its number, its hash, and what `PoolSet.revert` takes to undo it."""
    @property
    def pools(self) -> list[bytes]:
        """Addresses of pools that factories created."""
    @property
    def drift(self) -> list[Drift]: ...
    @property
    def malformed(self) -> list[str]:
        """Logs of followed contracts that cannot be read and were left out, in words."""

@final
class FoundOpportunities:
    """What one search told."""

    @property
    def batches(self) -> dict[str, pa.RecordBatch]:
        """Rows of `opportunity` and `opportunity_hop`, those without rows left out."""
    @property
    def faults(self) -> list[tuple[bytes, str]]:
        """Pools that had to be left out, by address, and why."""

@final
class ChainSearch:
    """The search of one chain. Not for two threads at a time."""

    def __new__(
        cls,
        source: str,
        chain_id: int,
        *,
        start_tokens: Sequence[bytes],
        gas_token: bytes | None,
        hops_max: int,
        priority_fee_wei: int,
        flash_premium_ppm: int,
        data_fee_wei: int,
        found_max: int,
        stable_tokens: Sequence[tuple[bytes, int]],
    ) -> Self:
        """Return a search that knows no pool yet; `SearchConfig` says what it is told."""
    def add_book(
        self,
        venue: str,
        instrument: str,
        *,
        base: bytes,
        quote: bytes,
        decimals: tuple[int, int],
        taker_fee_ppm: int,
        lot_size: int,
        size_min: int,
    ) -> bytes:
        """Add an order book without levels; `decimals` are of base and quote, sizes are in 10^-18 of base.

        Returns what names it among what `search` is told was touched.
        Raises: PoolError, where fee, lot or decimals are out of range.
        """
    def set_levels(
        self, book: bytes, bids: Sequence[tuple[int, int]], asks: Sequence[tuple[int, int]]
    ) -> None:
        """Set a book's levels, price and size in 10^-18 of whole tokens, the best first.

        Raises: PoolError, where there is no such book, or levels are out of order or zero.
        """
    def gas_pool(self, pools: PoolSet, token: bytes) -> bytes | None:
        """Return the deepest pool between the gas token and `token`, which prices it, where there is one."""
    def search(
        self, pools: PoolSet, touched: Sequence[bytes], head: Head, recv_ns: int
    ) -> FoundOpportunities:
        """Return what pays through what was touched, on the state of `pools`, which is that after `head`.

        A pool that is not in `pools` any more leaves the search. Order books are named as `add_book` does.
        """

def taker_amount_out(
    levels: Sequence[tuple[int, int]],
    amount_in: int,
    *,
    is_sale: bool,
    decimals: tuple[int, int],
    taker_fee_ppm: int,
    lot_size: int,
) -> int:
    """Return what a taker of `levels`, the best first, gets for `amount_in`, raw units, as a search has it.

    Levels and the lot are in 10^-18 of whole tokens, `decimals` of base and quote.
    Raises: PoolError, where it is too little for a lot, or more than the levels take.
    """

@final
class FoundPath:
    """A path as it was found."""

    def __new__(
        cls, hops: Sequence[tuple[bytes, bytes, bytes]], amount_in: int, gas_pool: bytes | None
    ) -> Self:
        """Return the path through `hops`: pool, token in, token out of each; `gas_pool` prices gas."""

@final
class TokenTrial:
    """One token being tried on the chain's own state, in questions that change nothing."""

    def __new__(cls, token: bytes, holder: bytes, block_number: int) -> Self:
        """Return the trial of a token that `holder` has, on the state after a block."""
    def questions(self) -> list[tuple[str, bytes]]:
        """Return what to ask next: JSON-RPC methods, and their parameters as JSON."""
    def answer(self, results: Sequence[bytes | None]) -> None:
        """Take the result of each question as JSON, None where the node refused.

        Raises: ValueError, where they are not as many.
        """
    @property
    def is_over(self) -> bool: ...
    @property
    def nature(self) -> Literal["ordinary", "fee_on_transfer", "rebasing", "unmovable"] | None:
        """Absent before it is over, and where it cannot be told."""

@final
class PathWatch:
    """The pools of the paths that are followed, as after the newest block. Not for two threads at a time."""

    def __new__(cls, pools: PoolSet, search: ChainSearch) -> Self:
        """Return a watch of no pools, of the chain of `pools` and with the costs of `search`."""
    def watch(self, pools: PoolSet, search: ChainSearch, addresses: Sequence[bytes]) -> None:
        """Take pools as they stand in `pools`, in place of what was known of them; of the order books of
        `search` those that were not watched.
        """
    def take_books(self, search: ChainSearch, books: Sequence[bytes]) -> None:
        """Take the order books among these that are watched as they are now."""
    def keep(self, addresses: Sequence[bytes]) -> None:
        """Let go all pools but these."""
    def apply(self, head: Head, logs: Logs) -> None:
        """Follow the logs of one block."""
    def worth(self, head: Head, paths: Sequence[FoundPath]) -> list[dict[str, int | None]]:
        """Return what each path pays on the newest state at the costs of `head`, raw units of its token.

        `sent_gross` and `sent_net` with the input as it was found, `best_gross` and `best_net` with the best
        one, `left` what decides whether it still pays; absent where a pool cannot be asked or costs not told.
        """
    def endings(
        self, pools: PoolSet, head: Head, logs: Logs, paths: Sequence[FoundPath]
    ) -> list[tuple[Literal["taken", "costs", "unknown"], dict[str, Any] | None]]:
        """Return what ended each path, where it paid before the newest block, `head`, and does not after it.

        For `taken` its transaction: tx_hash, tx_index, tx_count, is_swap, is_circle, sender, recipient and
        balance, which is what it gained by token over all pools of `pools`.
        """

@final
class OrderFills:
    """Reads the fills of orders from the logs of one chain's conditional-token exchanges."""

    def __new__(cls, source: str, chain_id: int, exchanges: Sequence[tuple[bytes, str]]) -> Self:
        """Return a reader; `source` is the chain's name, `exchanges` are addresses and names."""
    def read(self, head: Head, logs: Logs, recv_ns: int) -> tuple[pa.RecordBatch, list[str]]:
        """Return rows of `wallet_trade`, one an order filled in the block, and what is wrong with others.

        The taker's order of a match is the row whose role is `taker`; prices are rounded down.
        """

def read_transfers(
    head: Head, logs: Logs, tokens: Collection[bytes]
) -> list[tuple[bytes, tuple[int, bytes, bytes, bytes, int]]]:
    """Return the block's transfers: token; log index, transaction, sender, recipient, raw amount."""

@final
class PoolSet:
    """The pools of one chain: exact state, followed block by block. Not for two threads at a time."""

    def __new__(cls, source: str, chain_id: int, factories: Sequence[Factory]) -> Self:
        """Return a set without pools; `source` is the chain's name in the events."""
    @property
    def source(self) -> str: ...
    @property
    def chain_id(self) -> int: ...
    def __len__(self) -> int: ...
    def __contains__(self, address: bytes, /) -> bool: ...
    def addresses(self) -> list[bytes]:
        """Return the addresses of the pools, sorted."""
    def get(
        self, address: bytes
    ) -> UniswapV2Pool | UniswapV3Pool | SolidlyPool | AlgebraPool | UniswapV4Pool | CoinsPool | None:
        """Return a pool as it stands; later blocks do not change it."""
    def insert(self, snapshot: _Snapshot) -> Applied:
        """Take a pool as it was read from a node, in place of what was known of it; makes no rows and
        nothing that `take_changed` tells.

        Its undo is of a step of its own, after the block at which it was read.
        Raises: Malformed, where the state is none that the contract can have; ValueError, where the protocol
        is unknown; AttributeError or TypeError, where an attribute is missing or of another type.
        """
    def read(
        self, snapshots: Sequence[_Snapshot], sequence: int, undo: bytes | None = None
    ) -> tuple[Applied, list[tuple[bytes, str]]]:
        """Take pools as they were read from a node after one block, in place of what was known of them, and
        tell their states; `sequence` counts the chain's corrections. The undo is that of the block, too,
        where its `undo` is given.

        A pool that has a state that no contract of its kind can have is left out: its address is returned,
        and what is wrong.
        Raises: Malformed, where `undo` is none; ValueError, where a protocol is unknown; AttributeError or
        TypeError, where an attribute is missing or of another type; then nothing has changed.
        """
    def apply(self, heads: Sequence[Head], logs: Logs, recv_ns: Sequence[int], emit: bool = True) -> Applied:
        """Follow all logs of `heads`, in order; `recv_ns` says for each when its logs were complete.

        Without `emit` the state moves and no rows are made. All or nothing.
        Raises: Malformed, where a log is of none of the heads.
        """
    def revert(self, undo: bytes) -> list[bytes]:
        """Undo the newest block; returns the addresses of its pools, sorted.

        Raises: Malformed, where the bytes are not an undo.
        """
    def take_batches(self) -> dict[str, pa.RecordBatch]:
        """Return the rows that blocks and readings made since the last call, by topic, where there are any:
        block, pool, swap, liquidity_change, pool_state.
        """
    def take_changed(self) -> Changed:
        """Return the records that blocks, readings and undos changed since the last call, as they are now."""
    def follow(self, changed: Changed) -> None:
        """Take up what changed in another set, in the order in which it was taken there."""
    def load(self, records: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Take up records that were kept, in any order. Raises: Malformed, where they are not such."""
    def records(self) -> list[tuple[bytes, bytes]]:
        """Return the whole state as records, in order of their keys."""

def decode_logs(batch: pa.RecordBatch, *, source: str, chain_id: int, dex: str) -> dict[str, pa.RecordBatch]:
    """Decode columns of raw logs to rows by topic, without any pool's state; other logs are passed over.

    `batch` has the columns of `Logs.to_arrow`, and event_ns and recv_ns as timestamp[ns].
    Raises: Malformed, where a log is not what its first topic says; ValueError, where a column is missing or
    wrong.
    """

def size_paths(
    pools: Sequence[Pool], hops: pa.UInt32Array, *, hops_per_path: int, trials_max: int = 0
) -> pa.RecordBatch:
    """Return the input that pays most for each path of swaps, in a circle, and what it pays: a row a path.

    A hop is twice its pool's place in `pools`, and one more where it swaps token 1 for token 0; the hops of
    one path follow one another. Columns: `amount_in` and `amount_out`, 32 bytes little-endian, null where no
    input pays; `is_proven`, whether no other integer pays more. `trials_max` neighbours are tried to prove
    it, none by default: the result is then within a few units of the best.

    Raises: ValueError, where there are not whole paths of 2 to 4 hops or a hop names no pool; TypeError.
    """

@final
class Costs:
    """What a circle costs that starts with one token, beside its swap fees."""

    def __new__(
        cls,
        *,
        base_fee_wei: int,
        priority_fee_wei: int,
        gas_token_price: tuple[int, int] | None,
        flash_premium_ppm: int = 0,
        l1_fee: tuple[int, int] | None = None,
    ) -> Self:
        """Return costs; `gas_token_price` is raw units of the start token per wei, as a fraction of two ints.

        Where it is absent, so is what is left of a profit. `l1_fee` is a rollup's data fee: bytes, and wei
        a byte.
        """

@final
class Opportunity:
    """A circle of swaps that pays, verified by the pools' exact maths; amounts are raw units."""

    @property
    def hops(self) -> list[tuple[bytes, bytes, bytes]]:
        """Pool, token paid in and token bought, from the start token on."""
    @property
    def amounts(self) -> list[int]:
        """What is paid in, then what comes out of each hop."""
    @property
    def ticks_crossed(self) -> list[int]:
        """Initialised ticks that each hop crosses."""
    @property
    def gross_profit(self) -> int:
        """Above zero, in the start token, swap fees paid."""
    @property
    def is_proven(self) -> bool:
        """Whether no other integer input pays more."""
    @property
    def gas(self) -> int | None: ...
    @property
    def fee_wei(self) -> int | None:
        """Gas at its price, and the data fee."""
    @property
    def flash_premium(self) -> int | None:
        """In the start token, rounded up."""
    @property
    def net_profit(self) -> int | None:
        """What is left after all costs, in the start token; absent where a cost is not known."""
    @property
    def net_profit_wei(self) -> int | None: ...
    @property
    def break_even_gas_price_wei(self) -> int | None:
        """Highest price of gas, priority fee included, at which nothing is lost."""

@final
class Searcher:
    """The search for circles that pay, over the pools of one `PoolSet`. Not for two threads at a time."""

    def __new__(cls, *, starts: Sequence[bytes] = ..., hops_max: int = 3, trials_max: int = 0) -> Self:
        """Return a search without pools, for circles of 2 to `hops_max` hops, at most 4.

        A circle starts with the earliest of `starts` that it has; with any of its tokens where none is
        asked for.
        `trials_max` is as in `size_paths`. Raises: ValueError.
        """
    def refresh(self, pools: PoolSet, touched: Sequence[bytes]) -> list[tuple[bytes, str]]:
        """Take pools as they stand now; new ones join, those that are gone leave.

        Returns those that have no price, with the reason; they stay out of the search until they have.
        """
    def scan(
        self, pools: PoolSet, touched: Sequence[bytes], costs: Mapping[bytes, Costs] | None = None
    ) -> tuple[list[Opportunity], list[tuple[bytes, str]]]:
        """Return what pays among the circles through the pools touched, best first, and pools that refused.

        `costs` are those of circles by start token; without them there is no net profit.
        """
    def usd_price(
        self, pools: PoolSet, token: bytes, stables: Mapping[bytes, int]
    ) -> tuple[float, list[bytes]] | None:
        """Return US dollars for a raw unit of `token`, and the pools that say so, from it to a stable token.

        It is the price before the fee in the deepest pool to a token of `stables`, or to one that has such
        a pool; those of `stables`, whose decimals it gives, are worth one dollar. None where no pool leads
        there within two steps.
        """

@final
class PoolServer:
    """The HTTP server of pools' reserves, on threads of its own.

    Raises: Refused, where the configuration does not fit together or the port cannot be had; no message has a
    URL.
    """

    def __new__(cls, config: bytes, notify: Callable[[str], object]) -> Self:
        """Listen and serve: `config` is JSON with every field of `Config` in crates/tidemill-server; `notify`
        is told, on a thread of the server, when an endpoint fails and when it answers again.
        """
    @property
    def address(self) -> str:
        """Where it listens, host:port."""
    def stop(self) -> bool:
        """Accept nothing more, let requests in flight finish for a bounded time, and end; blocks, without the
        GIL. Return whether all did.
        """

def encode_aggregate3(questions: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the calldata of Multicall3's `aggregate3` for contracts and calldata, each of which may fail."""

def decode_aggregate3(data: bytes, expected: int) -> list[bytes | None]:
    """Return what each of `expected` calls gave, None where it failed. Raises: Malformed."""

def encode_bundle(questions: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the calldata of the program that asks these contracts with this calldata, at least one; each may
    fail.
    """

def decode_bundle(data: bytes, expected: int) -> list[bytes | None]:
    """Return what each of `expected` bundled calls gave, None where it failed. Raises: Malformed."""

def bundle_program() -> tuple[bytes, bytes]:
    """Return the address that bundled calls are sent to, and the code that a node is to run there."""

def dex_types() -> list[tuple[str, list[str]]]:
    """Return every name of an exchange that a pool may be asked by, and the kinds of pools it means."""

@final
class CoinsPool(Pool):
    """A Curve or Balancer pool of two to eight coins that is followed, as the node told it after a block.

    It is incomplete, and without balances, from a block with a log of its own until it is read again; where
    rates or a ramp move its quotes, after every block. What `Pool` says of two tokens is of the first two
    coins.
    """

    @property
    def coins(self) -> list[bytes]:
        """Addresses in the pool's own order, a share token of its own left out."""
    @property
    def balances(self) -> list[int]:
        """What it holds of each coin, raw units."""
    @property
    def reserve0(self) -> int | None:
        """What it holds of the first coin; absent where that is not known."""
    @property
    def reserve1(self) -> int | None: ...
    @property
    def is_momentary(self) -> bool:
        """Whether its quotes hold for one block only."""
    def coin_out(self, coin_in: int, coin_out: int, amount_in: int) -> int:
        """Return what an amount of one coin buys of another, which are named by their places.

        Raises: PoolError, where the contract would revert, or the state is not known.
        """

@final
class PoolCoin:
    """One token of a pool that was read."""

    @property
    def address(self) -> bytes: ...
    @property
    def reserve(self) -> int:
        """What the pool holds of it, raw units; of pools with ticks what the token says, unclaimed fees
        included.
        """
    @property
    def decimals(self) -> int | None:
        """Absent where the token does not tell them, or tells an absurd number, or another than before."""
    @property
    def decimals_fault(self) -> str | None:
        """Why they are absent."""

@final
class PoolReading:
    """A pool as it was read from a node."""

    @property
    def address(self) -> bytes: ...
    @property
    def kind(self) -> str:
        """One of the kinds of `dex_types`."""
    @property
    def factory(self) -> bytes | None:
        """Contract that made it, or the vault that keeps its tokens; absent where it does not tell."""
    @property
    def holder(self) -> bytes:
        """Who has its tokens: itself, or the vault that keeps them."""
    @property
    def coins(self) -> tuple[PoolCoin, ...]:
        """Its tokens in its own order, 2 to 8; a Balancer pool's own share token is not among them."""
    @property
    def decimals_fault(self) -> tuple[bytes, str] | None:
        """The first token whose decimals are absent, and why."""
    @property
    def fee_e18(self) -> int | None:
        """Fee of a swap in 10^-18 of the amount, now; absent where the pool does not tell."""
    @property
    def sqrt_price_x96(self) -> int | None:
        """Absent, as the three below, for pools without ticks."""
    @property
    def tick(self) -> int | None: ...
    @property
    def liquidity(self) -> int | None: ...
    @property
    def tick_spacing(self) -> int | None: ...
    @property
    def doubt(self) -> str | None:
        """Why it cannot be quoted; absent where it can."""
    @property
    def pool(self) -> Pool | None:
        """Its exact state, for kinds that are followed by their logs and were read exactly."""
    def amount_out(self, coin_in: int, coin_out: int, amount_in: int) -> int:
        """Return what an exact swap between two of `coins`, by their places, gives.

        Raises: PoolError, where the contract would revert or there is a doubt.
        """
    def amount_in(self, coin_in: int, coin_out: int, amount_out: int) -> int:
        """Return what `amount_out` costs. Raises: as `amount_out`."""
    def __eq__(self, other: object, /) -> bool: ...

@final
class PoolUnread:
    """Why a pool could not be read."""

    @property
    def address(self) -> bytes: ...
    @property
    def reason(self) -> str:
        """The reason's name, such as not_contract."""
    @property
    def message(self) -> str: ...

@final
class CoinReading:
    """A pool of Curve or Balancer as it was read after one block, to be followed."""

    @property
    def kind(self) -> str:
        """Its protocol; of another pool, one of the kinds of `dex_types`."""
    @property
    def factory(self) -> bytes | None:
        """Contract that made it, or the vault that keeps its tokens; absent where it does not tell."""
    @property
    def coins(self) -> tuple[bytes, ...]:
        """Its tokens in its own order, 2 to 8, a share token of its own left out."""
    @property
    def fee_ppm(self) -> int | None:
        """Fee in millionths of the amount in, rounded; absent where it is not told, or there is a doubt."""
    @property
    def doubt(self) -> str | None:
        """Why it is not known to the last unit; absent where it is."""

@final
class CoinQueries:
    """Many such pools being read in the same rounds, each of which is answered from the same block."""

    def __new__(
        cls,
        pools: Sequence[tuple[bytes, str | None, CoinReading | None]],
        timestamp_s: int,
        *,
        is_described: bool = False,
    ) -> Self:
        """Read pools after the block at `timestamp_s`: each an address, the protocol where it is known, and
        the reading before where there is one, which tells what most likely is all that is to be asked. What
        `is_described` is told without a state.

        Raises: ValueError, where a protocol is not known.
        """
    def __len__(self) -> int:
        """Return the number of calls of this round; 0 where every pool is at its end."""
    def aggregate(self, first: int, last: int, /) -> bytes:
        """Return calls of this round as the calldata of Multicall3's aggregate3."""
    def call(self, index: int, /) -> tuple[bytes, bytes]:
        """Return one call of this round: contract and calldata. Raises: ValueError, where there is none."""
    def put_aggregate(self, first: int, last: int, answer: bytes, /) -> None:
        """Take what aggregate3 gave to `aggregate(first, last)`. Raises: Malformed."""
    def put(self, index: int, answer: bytes | None, /) -> None:
        """Take what one call gave; None where it reverted."""
    def advance(self) -> None:
        """End the round, whose calls are all answered, and find the calls of the next; on all cores."""
    def results(self) -> list[CoinReading | PoolUnread]:
        """Hand out, once, what became of each pool. Raises: RuntimeError, where one is still being read."""

@final
class PoolQueries:
    """Many pools being read in the same rounds, each of which is answered from the same block."""

    def __new__(
        cls,
        pools: Sequence[tuple[bytes, str | None]],
        *,
        is_exact: bool,
        again: Sequence[PoolReading] = (),
    ) -> Self:
        """Read `pools`, each an address and the exchange it is said to be of, and what may have changed of
        those in `again`; `is_exact` asks for all that an exact swap needs.

        Raises: ValueError, where an exchange is not known.
        """
    def __len__(self) -> int:
        """Return the number of calls of this round; 0 where every pool is at its end."""
    def aggregate(self, first: int, last: int) -> bytes:
        """Return calls of this round as the calldata of Multicall3's aggregate3."""
    def call(self, index: int) -> tuple[bytes, bytes]:
        """Return one call of this round: contract and calldata. Raises: ValueError, where there is none."""
    def put_aggregate(self, first: int, last: int, answer: bytes) -> None:
        """Take what aggregate3 gave to `aggregate(first, last)`. Raises: Malformed."""
    def bundle(self, first: int, last: int) -> bytes:
        """Return calls of this round as the calldata of the bundle's program."""
    def put_bundle(self, first: int, last: int, answer: bytes) -> None:
        """Take what the program gave to `bundle(first, last)`. Raises: Malformed."""
    def put(self, index: int, answer: bytes | None) -> None:
        """Take what one call gave; None where it reverted."""
    def advance(self) -> None:
        """End the round, whose calls are all answered, and find the calls of the next."""
    def results(self, pair_fees: Mapping[bytes, tuple[int, int]] = ...) -> list[PoolReading | PoolUnread]:
        """Hand out, once, what became of each pool: of `pools` first, then of `again`.

        A V2 pair that tells no fee has that of its factory's pairs among `pair_fees`, by the factory: the
        share that is paid on, as numerator and denominator; without one it cannot be quoted.

        Raises: RuntimeError, where one is still being read; PoolError, where that is no fee.
        """
