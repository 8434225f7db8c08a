"""What the machine says after each step: what to ask, what is sealed or undone, what went wrong."""

import msgspec
from msgspec import Struct, field

from tidemill._rust import CoinReading, Head, Logs
from tidemill.schema.faults import Fault, Malformed


class Hex:
    """Bytes among a call's parameters, said as hexadecimal digits: "0x12ab"."""

    __slots__ = ("content",)

    def __init__(self, content: bytes) -> None:
        self.content = content


def _said(value: object) -> str:
    if isinstance(value, Hex):
        return f"0x{value.content.hex()}"
    raise NotImplementedError(f"a parameter of a type that JSON has no form for: {type(value)}")


class Call(Struct, frozen=True):
    """One JSON-RPC call to send."""

    id: int
    connection: str
    """A link's name."""
    method: str
    params: object
    """The call's parameters, which become JSON where the call is sent: a replay sends none."""

    def encode(self) -> bytes:
        """Return the call as a JSON-RPC 2.0 request."""
        params = msgspec.json.encode(self.params, enc_hook=_said)
        return b'{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}' % (
            self.id,
            self.method.encode(),
            params,
        )


class Sealed(Struct, frozen=True):
    """Blocks whose tracked logs are all here: linked, ascending, each the child of the one before."""

    heads: tuple[Head, ...]
    logs: Logs
    """All tracked logs of these blocks, ordered by block and log index."""
    recv_ns: tuple[int, ...]
    """For each block, when the frame that completed it was read."""
    first_seen_ns: tuple[int, ...]
    """For each block, when the first frame that names it was read."""


class Reverted(Struct, frozen=True):
    """The newest block of the canonical chain left it."""

    head: Head
    recv_ns: int
    sequence: int


class Restored(Struct, frozen=True):
    """A block that was sealed and reverted is canonical again: its events are known, its effects must come
    back.
    """

    head: Head
    logs: Logs
    recv_ns: int
    sequence: int
    new_log_indexes: tuple[int, ...] = ()
    """Logs that its earlier sealing lacked: their events are not known yet. Nearly always empty."""


class PoolSnapshot(Struct, frozen=True, kw_only=True):
    """A pool as the chain had it after one block."""

    address: bytes
    protocol: str
    dex: str
    factory: bytes
    token0: bytes
    token1: bytes
    fee_ppm: int | None
    """Fee in millionths of the amount in; absent where a hook sets it during a swap."""
    block_number: int
    block_hash: bytes
    block_timestamp_s: int
    recv_ns: int
    reserve0: int | None = None
    reserve1: int | None = None
    tick_spacing: int | None = None
    sqrt_price_x96: int | None = None
    tick: int | None = None
    liquidity: int | None = None
    ticks: tuple[tuple[int, int, int], ...] = ()
    """Initialised ticks, ascending: (tick, liquidity gross, liquidity net)."""
    fee_numerator: int | None = None
    """Of V2 and Solidly pools: what is left of the amount in, in `fee_denominator` parts."""
    fee_denominator: int | None = None
    rules: str | None = None
    """Of Solidly and Algebra pools: whose code it runs."""
    is_stable: bool | None = None
    """Of Solidly pools, as their tokens' decimals."""
    decimals0: int | None = None
    decimals1: int | None = None
    fee_back_ppm: int | None = None
    """Of Algebra pools: the fee from token 1 to token 0."""
    is_fee_overridden: bool = False
    """Of Algebra pools: a plugin set another fee for the last swap. No view tells; its next swap does."""
    has_limit_orders: bool = False
    """Of Algebra V2 pools."""
    pool_id: bytes | None = None
    """Of V4 pools, as what follows."""
    key_fee: int | None = None
    protocol_fee: int | None = None
    hooks: bytes | None = None
    coins: tuple[bytes, ...] = ()
    """Of Curve's and Balancer's pools, in the pool's own order; `token0` and `token1` are the first two."""
    reading: CoinReading | None = None
    """The state of Curve's and Balancer's pools; absent where it is not known."""


class Began(Struct, frozen=True):
    """The chain goes on from another block than before, or begins: all else that was sealed is reverted."""

    pools: tuple[PoolSnapshot, ...]
    """Every pool, as it is after that block."""


class Reread(Struct, frozen=True):
    """Pools whose state was not known, as they are after the newest sealed block."""

    pools: tuple[PoolSnapshot, ...]
    sequence: int
    """The count of the chain's corrections."""


Change = Began | Sealed | Reverted | Restored | Reread


class Step(Struct):
    """What came of some entries. Apply `blocks`, and persist `state` with what they give."""

    calls: list[Call] = field(default_factory=list[Call])
    blocks: list[Change] = field(default_factory=list[Change])
    """In the order in which they happened to the chain."""
    events: list[Struct] = field(default_factory=list[Struct])
    """Events of the schema: token, reorg, coverage, health."""
    faults: list[Fault] = field(default_factory=list[Fault])
    quarantine: list[tuple[bytes, Malformed]] = field(default_factory=list[tuple[bytes, Malformed]])
    """Frames and answers that could not be read, with what was wrong."""
    state: dict[bytes, bytes | None] = field(default_factory=dict[bytes, bytes | None])
    """Keys to set, or to delete where the value is None, in the same transaction as the events."""
    reconnect: list[str] = field(default_factory=list[str])
    """WebSockets that are silent or useless: replace them."""
    stop: Fault | None = None
    """The chain cannot go on: Refused or Unsafe."""
