"""Which nonce does an account's next transaction have, and which of its nonces does nothing hold?"""

import socket
from collections.abc import Collection
from types import TracebackType
from typing import Self

from msgspec import Struct

from tidemill.execute.plan.route import Address
from tidemill.schema.faults import Refused, Unsafe


class Standing(Struct, frozen=True, kw_only=True):
    """Where an account is, by what the chain and its own ledger say."""

    next_nonce: int
    gaps: tuple[int, ...]
    """Below `next_nonce`, and neither the chain, nor the node's pool, nor the ledger has a transaction of
    them: nothing after them is included until they are filled."""
    again: tuple[int, ...]
    """The ledger has a signed transaction of them that the node does not: to be sent once more."""
    foreign_pending: int
    """Transactions in the node's pool that the ledger does not know."""


def reconcile(ours: Collection[int], latest: int, pending: int) -> Standing:
    """Return where an account is.

    `ours` are the nonces of signed transactions that the ledger holds open, `latest` is how many the chain
    has included, `pending` the same with those that wait in the node's pool without a gap. A node behind a
    balancer may tell less than there is; what the ledger has is never forgotten for that.

    Example:
        >>> reconcile(ours={5, 7}, latest=5, pending=5)
        Standing(next_nonce=8, gaps=(6,), again=(5, 7), foreign_pending=0)
    """
    waiting = {nonce for nonce in ours if nonce >= latest}
    pooled = max(pending, latest)
    next_nonce = max([pooled, *(nonce + 1 for nonce in waiting)])
    return Standing(
        next_nonce=next_nonce,
        gaps=tuple(nonce for nonce in range(pooled, next_nonce) if nonce not in waiting),
        again=tuple(sorted(nonce for nonce in waiting if nonce >= pooled)),
        foreign_pending=sum(nonce not in waiting for nonce in range(latest, pooled)),
    )


class Nonces:
    """Hands an account's nonces out in order, each once."""

    def __init__(self, next_nonce: int) -> None:
        self.next_nonce = next_nonce

    def take(self) -> int:
        """Return the next one."""
        self.next_nonce += 1
        return self.next_nonce - 1

    def skip_to(self, count: int) -> None:
        """Hand out nothing below `count`: the chain has used it."""
        self.next_nonce = max(self.next_nonce, count)

    def is_last(self, nonce: int) -> bool:
        """Say whether no later one is out."""
        return nonce == self.next_nonce - 1

    def give_back(self, nonce: int) -> None:
        """Have a nonce handed out again: it is certain that nobody has a transaction of it.

        Raises: Unsafe where a later one is out already, which would wait for it without end.
        """
        if not self.is_last(nonce):
            raise Unsafe(
                f"nonces: expected to take back {self.next_nonce - 1}, the last one out, found {nonce}"
            )
        self.next_nonce = nonce


class AccountLease:
    """The right to send an account's transactions on a chain, which one process of a machine has at a time.

    It is the name of an abstract socket: whatever folder, user or program asks, the kernel gives a name once,
    and takes it back when its owner ends, however that ends. Another machine is not kept off.

    Raises: on entry, Refused where another process has it.
    """

    def __init__(self, chain_id: int, address: Address) -> None:
        self._name = f"tidemill/account/{chain_id}/0x{address.hex()}"
        self._held: socket.socket | None = None

    def __enter__(self) -> Self:
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            held.bind(b"\0" + self._name.encode())
        except OSError as error:
            held.close()
            chain, address = self._name.split("/")[2:]
            raise Refused(
                f"account {address}: expected to be the only one that sends its transactions on chain "
                f"{chain}, another process of this machine does; stop that, or use another account"
            ) from error
        self._held = held
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None
