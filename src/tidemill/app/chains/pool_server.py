"""`tidemill pool-server`: tell over HTTP what any pool of the configured chains holds, until stopped."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from tidemill._rust import PoolServer
from tidemill.app.rpc_variables import CHAIN_IDS, endpoints_in, multicall_of
from tidemill.app.running import until_stopped
from tidemill.app.settings import FILE_NAME, Environment, PoolServerSettings
from tidemill.chains.evm.config import EvmConfig
from tidemill.core.config import read_env_file
from tidemill.core.log import logging_to
from tidemill.schema.faults import Refused
from tidemill.serve.ports import is_loopback

_log = logging.getLogger("tidemill.pool_server")
_MS_PER_S = 1_000


class ServedChain(Struct, kw_only=True):
    """A chain whose pools can be asked for, as the server wants it."""

    name: str
    chain_id: int
    http_urls: list[str]
    """The first one first; they hold secrets."""
    multicall: str
    multicall_calls: int


def main(environment: Environment) -> int:
    """Serve until a signal; return the exit code.

    Raises: Refused, where no chain has an endpoint, the port is taken, or settings do not fit together.
    """
    settings = environment.settings
    with logging_to(environment.paths.logs, settings.log, environment.redactor, console=True):
        return asyncio.run(_serve_until_stopped(environment))


async def _serve_until_stopped(environment: Environment) -> int:
    async with serving_pools(environment) as address:
        print(f"pool server at http://{address}", flush=True)
        await until_stopped(None)
    return 0


@asynccontextmanager
async def serving_pools(environment: Environment) -> AsyncIterator[str]:
    """Serve while the context is open; yield where, host:port. At its end requests in flight finish.

    Raises: Refused, where no chain has an endpoint, the port is taken, or settings do not fit together.
    """
    _check_host(environment.settings.pool_server)
    chains = served_chains(environment, {**read_env_file(Path(".env")), **os.environ})
    if not chains:
        raise Refused(
            f"pool server: expected a chain with an http_url in {FILE_NAME}, or a variable RPC_<CHAIN>"
            " such as RPC_POLYGON, found neither"
        )
    config = _config_of(environment.settings.pool_server, chains)
    server = await asyncio.to_thread(PoolServer, config, _log.warning)
    try:
        names = ", ".join(f"{chain.name} ({chain.chain_id})" for chain in chains)
        _log.info("serving pools of %s at http://%s", names, server.address)
        yield server.address
    finally:
        if not await asyncio.to_thread(server.stop):
            _log.warning("stopped: requests in flight were broken off after pool_server.stop_timeout_ms")


def _check_host(settings: PoolServerSettings) -> None:
    """Raise Refused where it would answer other machines, and that is not what somebody asked for."""
    if not settings.open_to_all and not is_loopback(settings.host):
        raise Refused(
            "pool_server.host: expected an address of this machine alone, such as 127.0.0.1, found"
            f" {settings.host}: it asks nobody who they are; set pool_server.open_to_all = true where that is"
            " meant"
        )


def served_chains(environment: Environment, environ: Mapping[str, str]) -> list[ServedChain]:
    """Return every chain that has an HTTP endpoint: in a section [chains.NAME], or by RPC_<CHAIN> in
    `environ`, which is asked first where both are there.

    Raises: Refused, where two sections are of one chain.
    """
    chains: dict[int, ServedChain] = {}
    for name, config in environment.settings.chains.items():
        urls = [endpoint.http_url for endpoint in config.endpoints if endpoint.http_url is not None]
        if config.chain_id in chains:
            known = chains[config.chain_id].name
            raise Refused(f"chains.{name}.chain_id: expected another one than chains.{known} has")
        chains[config.chain_id] = ServedChain(
            name=name,
            chain_id=config.chain_id,
            http_urls=urls,
            multicall=config.multicall,
            multicall_calls=config.multicall_calls,
        )
    ids = {chain.name.lower().replace("-", "_"): chain.chain_id for chain in chains.values()}
    for variable, name, url in endpoints_in(environ):
        chain_id = ids.get(name, CHAIN_IDS.get(name))
        if chain_id is None:
            _log.warning(
                "%s: expected the name of a chain that is known or configured, passed over", variable
            )
            continue
        if chain_id not in chains:
            chains[chain_id] = _named(name, chain_id)
        known_urls = chains[chain_id].http_urls
        chains[chain_id].http_urls = [url, *(known for known in known_urls if known != url)]
    for chain in chains.values():
        if not chain.http_urls:
            _log.warning("chain %s: expected an http_url, found none: its pools are not served", chain.name)
    return [chain for chain in chains.values() if chain.http_urls]


def _named(name: str, chain_id: int) -> ServedChain:
    calls = EvmConfig(source=name, chain_id=chain_id).multicall_calls
    multicall = multicall_of(chain_id)
    return ServedChain(name=name, chain_id=chain_id, http_urls=[], multicall=multicall, multicall_calls=calls)


def _config_of(settings: PoolServerSettings, chains: list[ServedChain]) -> bytes:
    """Return the server's configuration as it reads it; it holds secrets."""
    fields = structs.asdict(settings)
    del fields["enabled"], fields["open_to_all"]
    fields["cache_duration_ms"] = round(fields.pop("cache_duration_s") * _MS_PER_S)
    return msgspec.json.encode(fields | {"chains": chains})
