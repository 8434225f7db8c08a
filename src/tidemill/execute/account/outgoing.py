"""What was signed for a nonce: kept before it is sent, so that after a crash the same bytes go out again."""

import msgspec
from msgspec import Struct, structs

from tidemill.execute.account.receipts import Receipt, Watched
from tidemill.execute.account.transaction import Signed, Transaction
from tidemill.schema.events import Execution

PREFIX = b"outgoing/"
"""Of the keys of the ledger's bus under which these are."""


class Outgoing(Struct, frozen=True, kw_only=True):
    """A nonce that is in use, and every transaction signed for it: at most one of them is ever included."""

    transaction: Transaction
    """The newest of them."""
    signed: tuple[Signed, ...]
    """In order; the first is the trade's."""
    handed_block: int
    """The newest block when the newest was signed, or last handed over."""
    last_block: int
    """After it the trade fails if it is included."""
    fee_max_wei: int
    """The most that a unit of gas may cost."""
    execution_id: bytes | None
    """The trade; None where a nonce is only filled."""
    cancels_from: int | None = None
    """Of `signed`, those from here on take the nonce and do nothing; None: there is none such."""
    told: Execution | None = None
    """The trade's newest event; not kept here, the ledger has it."""
    is_out: bool = False
    """Whether anybody may have any of `signed`: not while it was surely never handed over, or never taken."""
    included: Receipt | None = None
    taken_since: int | None = None
    looked_block: int = 0
    """The newest block when it was looked for last."""

    @property
    def key(self) -> bytes:
        """Where it is kept."""
        return prefix_of(self.transaction.chain_id) + self.transaction.nonce.to_bytes(8)

    @property
    def newest(self) -> Signed:
        """What is to be handed over."""
        return self.signed[-1]

    @property
    def is_cancelled(self) -> bool:
        """Whether the newest takes the nonce and does nothing."""
        return self.cancels_from is not None

    def cancels(self, digest: bytes) -> bool:
        """Say whether that is one of those that do nothing."""
        return self.cancels_from is not None and digest in {
            one.digest for one in self.signed[self.cancels_from :]
        }

    @property
    def watched(self) -> Watched:
        """What is to be looked for."""
        return Watched(
            nonce=self.transaction.nonce,
            digests=tuple(one.digest for one in self.signed),
            included=self.included,
            taken_since=self.taken_since,
        )

    def following(self, watched: Watched, head_number: int) -> "Outgoing":
        """Return it with what was found when `head_number` was the newest block."""
        return structs.replace(
            self, included=watched.included, taken_since=watched.taken_since, looked_block=head_number
        )

    def with_told(self, told: Execution | None) -> "Outgoing":
        """Return it with its trade's newest event; None: there is no newer one."""
        return self if told is None else structs.replace(self, told=told)

    def replaced_by(
        self, transaction: Transaction, signed: Signed, block: int, *, is_cancelling: bool
    ) -> "Outgoing":
        """Return it with one more transaction of its nonce."""
        cancels_from = len(self.signed) if is_cancelling and self.cancels_from is None else self.cancels_from
        return structs.replace(
            self,
            transaction=transaction,
            signed=(*self.signed, signed),
            handed_block=block,
            cancels_from=cancels_from,
        )


def prefix_of(chain_id: int) -> bytes:
    """Return how the keys of a chain's begin."""
    return PREFIX + chain_id.to_bytes(8)


def spelled(one: Outgoing) -> bytes:
    """Return what is kept of it."""
    return msgspec.msgpack.encode(structs.replace(one, told=None, taken_since=None, looked_block=0))


def read(kept: bytes) -> Outgoing:
    """Return what was kept; whoever kept it may have handed it over."""
    return structs.replace(msgspec.msgpack.decode(kept, type=Outgoing), is_out=True)
