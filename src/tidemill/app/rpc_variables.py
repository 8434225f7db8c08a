"""Which endpoints does the environment name: RPC_<CHAIN>, as the shells of the field have them."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tidemill.chains.evm.config import MULTICALL3

PREFIX = "RPC_"

CHAIN_IDS = {
    "ethereum": 1,
    "optimism": 10,
    "bsc": 56,
    "gnosis": 100,
    "unichain": 130,
    "polygon": 137,
    "sonic": 146,
    "opbnb": 204,
    "fantom": 250,
    "zksync": 324,
    "sei": 1_329,
    "mantle": 5_000,
    "base": 8_453,
    "arbitrum": 42_161,
    "celo": 42_220,
    "avalanche": 43_114,
    "linea": 59_144,
    "blast": 81_457,
    "scroll": 534_352,
}
"""The chains that RPC_<CHAIN> can name without a section of settings. Source: chainid.network."""

_MULTICALLS = {324: "0xF9cda624FBC7e059355ce98a31693d299FACd963"}
"""Where Multicall3 is not at its usual address. Source: viem, definitions of the chains."""


class NamedEndpoint(NamedTuple):
    """An endpoint that the environment names."""

    variable: str
    chain: str
    """The chain's name, in lower case."""
    url: str
    """Holds secrets."""


def endpoints_in(environ: Mapping[str, str]) -> Iterator[NamedEndpoint]:
    """Yield the endpoint of every variable RPC_<CHAIN> that is not empty, in the order of their names."""
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX)
        if name != variable and environ[variable] and re.fullmatch(r"[A-Z0-9_]+", name):
            yield NamedEndpoint(variable, name.lower(), environ[variable])


def multicall_of(chain_id: int) -> str:
    """Return where Multicall3 is on a chain that has no section of settings."""
    return _MULTICALLS.get(chain_id, MULTICALL3)
