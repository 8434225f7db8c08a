"""What is known of a chain's markets before a block is read, as data: wrapped coin, dollars, routers."""

import tomllib
from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct

from tidemill.chains.evm.config import AddressText


class Markets(Struct, frozen=True, kw_only=True):
    """The facts of one chain; all are absent for a chain that is not listed."""

    wrapped: bytes | None = None
    """The contract of the wrapped native coin."""
    stables: tuple[tuple[bytes, int], ...] = ()
    """Tokens that stand for a USD, and their decimals."""
    routers: tuple[tuple[bytes, str], ...] = ()
    """Contracts that strangers trade through, and their names."""


class _Listed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chain as the file has it."""

    wrapped: AddressText
    stables: dict[AddressText, int]
    routers: dict[AddressText, str]


def markets_of(chain_id: int) -> Markets:
    """Return what is known of the chain."""
    return _all().get(chain_id, Markets())


@cache
def _all() -> dict[int, Markets]:
    text = resources.files("tidemill.chains.evm").joinpath("markets.toml").read_text()
    listed = msgspec.convert(tomllib.loads(text), dict[int, _Listed], strict=False)
    return {chain_id: _markets(chain) for chain_id, chain in listed.items()}


def _markets(chain: _Listed) -> Markets:
    return Markets(
        wrapped=_address(chain.wrapped),
        stables=tuple((_address(token), decimals) for token, decimals in chain.stables.items()),
        routers=tuple((_address(router), name) for router, name in chain.routers.items()),
    )


def _address(text: str) -> bytes:
    return bytes.fromhex(text[2:])
