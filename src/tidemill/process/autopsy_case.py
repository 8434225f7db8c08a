"""What is known of one opportunity that is followed, and how that becomes an event."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from tidemill._rust import FoundPath, Head, keccak256
from tidemill.core.clock import NS_PER_S
from tidemill.schema.events import AutopsyCause, OpportunityAutopsy

_LATER_MAX = 2
"""Blocks after its birth whose profits are told."""

Hops = tuple[tuple[bytes, bytes, bytes], ...]
"""Pool, token in and token out of each."""


class Profits(Struct, frozen=True):
    """What it pays some blocks after its birth."""

    sent_gross: int | None = None
    sent_net: int | None = None
    best_gross: int | None = None
    best_net: int | None = None


class Taker(Struct, frozen=True):
    """Which transaction ended it; the fields of the event."""

    taker_tx_hash: bytes
    taker_tx_index: int
    taker_tx_count: int
    taker_sender: bytes | None
    taker_recipient: bytes | None
    taken_token: bytes | None = None
    taken: int | None = None


class End(Struct, frozen=True):
    """How it ended."""

    cause: AutopsyCause
    number: int
    """The block: that of its death, or the last after which it is known to have paid."""
    event_ns: int
    taker: Taker | None = None

    @property
    def is_death(self) -> bool:
        """Whether it is known to have died."""
        return self.cause not in {AutopsyCause.REORGED, AutopsyCause.OUTLIVED, AutopsyCause.UNKNOWN}


class Case(Struct, frozen=True, kw_only=True):
    """An opportunity that is followed."""

    opportunity: bytes
    hops: Hops
    amount_in: int
    gas_pool: bytes | None
    born_number: int
    born_hash: bytes
    born_ns: int
    blocks: int
    """For how many it is followed."""
    profits: tuple[Profits, ...]
    """Right away, one block later, and so on."""
    doubted: tuple[int, int] | None = None
    """Number and timestamp (ns) of the last block after which it is known to have paid, where a pool was read
    anew or could not be asked since, or a block was missed: what ends it then is not known.
    """
    end: End | None = None

    @property
    def path(self) -> bytes:
        """What all findings of the opportunity have in common."""
        return path_of(self.hops)

    @property
    def found(self) -> FoundPath:
        """The path as it was found."""
        return FoundPath(self.hops, self.amount_in, self.gas_pool)

    @property
    def is_due(self) -> bool:
        """Whether all is known that its event tells."""
        return self.end is not None and (
            len(self.profits) > min(_LATER_MAX, self.blocks) or self.end.cause is AutopsyCause.UNKNOWN
        )

    def wants_profits(self, number: int) -> bool:
        """Say whether its event tells what it pays after the block `number`."""
        later = number - self.born_number
        return later == len(self.profits) and later <= min(_LATER_MAX, self.blocks)


def path_of(hops: Hops) -> bytes:
    """Return the Keccak-256 hash of the pools and tokens of a path."""
    return keccak256(b"".join(part for hop in hops for part in hop))


def event_ns_of(head: Head) -> int:
    """Return a block's timestamp, ns."""
    return head.timestamp_s * NS_PER_S


def taker_of(case: Case, told: Mapping[str, Any]) -> tuple[AutopsyCause, Taker]:
    """Return what a transaction did to it, and what the event tells of that."""
    taker = Taker(told["tx_hash"], told["tx_index"], told["tx_count"], told["sender"], told["recipient"])
    if not told["is_swap"]:
        return AutopsyCause.CLOSED_BY_LIQUIDITY, taker
    balance: dict[bytes, int] = told["balance"]
    if not told["is_circle"]:
        return AutopsyCause.CLOSED_BY_TRADE, taker
    token = next((token for _, token, _ in case.hops if token in balance), min(balance))
    return AutopsyCause.TAKEN, structs.replace(taker, taken_token=token, taken=balance[token])


def profits_of(worth: Mapping[str, int | None]) -> Profits:
    """Return what the compiled watch says that a path pays."""
    return Profits(**{name: worth[name] for name in Profits.__struct_fields__})


def event_of(
    case: Case, end: End, source: str, chain_id: int, at: tuple[Head, int], sequence: int = 0
) -> OpportunityAutopsy:
    """Return what is told of it, known since a block that was read at a time."""
    head, recv_ns = at
    profits = {
        f"{name}_{later}": getattr(one, name)
        for later, one in enumerate(case.profits)
        for name in Profits.__struct_fields__
    }
    return OpportunityAutopsy(
        event_ns=event_ns_of(head),
        recv_ns=recv_ns,
        source=source,
        chain_id=chain_id,
        block_number=head.number,
        block_hash=head.hash,
        sequence=sequence,
        opportunity=case.opportunity,
        path=case.path,
        token=case.hops[0][1],
        hop_count=len(case.hops),
        cause=end.cause,
        born_block_number=case.born_number,
        born_block_hash=case.born_hash,
        born_ns=case.born_ns,
        followed_blocks=end.number - case.born_number,
        followed_ns=max(end.event_ns - case.born_ns, 0),
        died_block_number=end.number if end.is_death else None,
        **({} if end.taker is None else structs.asdict(end.taker)),
        **profits,
    )
