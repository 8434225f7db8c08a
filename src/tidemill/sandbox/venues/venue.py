"""What the sandbox asks of a venue: to build its pools, to spell a swap, to spell a question for a quote."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from tidemill.sandbox import abi
from tidemill.sandbox.contracts import creation_code
from tidemill.sandbox.site import Site, approval
from tidemill.sandbox.vyper_code import compiled_code
from tidemill.sandbox.world import Accounts, Address, FurtherPool, Token

_TRADERS = 2
"""Of the noise traders, those that trade here; approvals for all would double the set-up."""

Build = Generator[list[tuple[Address, str]], list[str], list[FurtherPool]]
"""A venue being built: it yields when what it sent must be mined, with what it asks the chain then."""


class Leg(Struct, frozen=True):
    """A swap in one pool: tokens by their places in it, and the size of the one that is given."""

    token_in: int
    token_out: int
    size: int
    """Smallest units, of the token in; of the token out where that is what is given."""

    @property
    def zero_for_one(self) -> bool:
        """Whether the first of two tokens is sold."""
        return self.token_in == 0


class Change(Struct, frozen=True):
    """Liquidity to add or to take out."""

    adds: bool
    share: float
    """Of what was put in at the start."""
    tokens: tuple[Token, ...]
    """The pool's, in its order."""
    provider: Address


class Venue(Protocol):
    """One module a venue; its pools are told apart by their protocol."""

    def build(self, ground: "Ground") -> Build:
        """Create the venue's contracts, then its pools, then their liquidity."""
        ...

    def swap(self, pool: FurtherPool, leg: Leg, recipient: Address) -> str:
        """Return the call of the pool's router that sells exactly `leg.size`, at any price."""
        ...

    def ask_out(self, pool: FurtherPool, leg: Leg) -> str:
        """Return the call of the pool's quoter that tells what `leg.size` buys."""
        ...

    def read_out(self, answer: bytes, leg: Leg) -> int:
        """Return what the answer to `ask_out` says. Raises: Malformed."""
        ...

    def ask_in(self, pool: FurtherPool, leg: Leg) -> str | None:
        """Return the call that tells what `leg.size` of the token out costs; None where there is none."""
        ...

    def read_in(self, answer: bytes, leg: Leg) -> int:
        """Return what the answer to `ask_in` says. Raises: Malformed."""
        ...

    def change_liquidity(self, pool: FurtherPool, change: "Change") -> str:
        """Return the call of the pool's manager by which its provider adds liquidity or takes some out."""
        ...


class Ground(Struct, frozen=True):
    """What a venue is built on."""

    site: Site
    modules: Path
    accounts: Accounts
    tokens: tuple[Token, ...]

    def create(self, name: str, types: Sequence[str] = (), *values: object) -> Address:
        """Create the packages' contract `name`; its arguments are addresses where no types are given."""
        return self.site.create(creation_code(self.modules, name) + _constructed(types, values))

    def create_own(self, name: str, types: Sequence[str] = (), *values: object) -> Address:
        """Create our own contract `name`."""
        code = compiled_code(self.modules.parent.parent, name)
        return self.site.create(code + _constructed(types, values))

    def token(self, symbol: str) -> Token:
        """Return the token called `symbol`; a name that is not there is a bug."""
        return next(token for token in self.tokens if token.symbol == symbol)

    def ordered(self, symbols: Sequence[str]) -> tuple[Token, ...]:
        """Return the tokens called `symbols` by their addresses, ascending."""
        return tuple(sorted(map(self.token, symbols), key=lambda token: int(token.address, 16)))

    def approve(self, spenders: Sequence[Address], tokens: Sequence[Address]) -> None:
        """Let `spenders` take these tokens of everyone who trades or provides here."""
        for account in (self.accounts.provider, *further_senders(self.accounts)):
            for token in tokens:
                for spender in spenders:
                    self.site.send(token, approval(spender), account)


def further_senders(accounts: Accounts) -> tuple[Address, ...]:
    """Return who trades in pools of further kinds: one arbitrageur, then noise traders."""
    return (accounts.arbitrageurs[0], *accounts.traders[:_TRADERS])


def _constructed(types: Sequence[str], values: Sequence[object]) -> str:
    return abi.arguments(list(types) or ["address"] * len(values), *values)
