"""How the sandbox runs as a program: it says where everything is, trades until told to stop, cleans up."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.emulated import emulated
from tidemill.sandbox.faults.proxy import FaultProxy, fault_proxy
from tidemill.sandbox.faults.reorgs import Reorgs
from tidemill.sandbox.faults.scenario import Scenario
from tidemill.sandbox.node import NodeOptions
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import FurtherPool, World, to_json


class SandboxOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `tidemill sandbox` can be told."""

    seconds: float | None = None
    """How long to trade; None: until cancelled."""
    as_json: bool = False
    """One JSON line about the world and one about what was done, for scripts."""
    world_file: Path | None = None
    """Where to write the world as JSON, for programs that join later."""
    folder: Path | None = None
    """Where the packages are; None: `$TIDEMILL_SANDBOX_DIR`, or `.sandbox` here."""
    node: NodeOptions = field(default_factory=NodeOptions)
    traders: TraderOptions = field(default_factory=TraderOptions)
    venues: tuple[str, ...] = ()
    """Venues that are emulated beside the chain, of `EMULATED`."""
    faults: Scenario | None = None
    """What goes wrong; None: there is no second, misbehaving endpoint."""
    faults_seed: int = 1


async def run_sandbox(options: SandboxOptions, say: Callable[[str], None] = print) -> TraderCounts:
    """Run a world with traders for the set time or until cancelled; nothing is left behind.

    Raises: Refused or Unreachable where the packages or the node are not to be had, or the node ends.
    """
    counts = TraderCounts()
    async with open_world(options.folder, options.node) as world, AsyncExitStack() as stack:
        proxy = reorgs = None
        if options.faults is not None:
            proxy = await stack.enter_async_context(
                fault_proxy(
                    http_url=world.http_url,
                    ws_url=world.ws_url,
                    scenario=options.faults,
                    seed=options.faults_seed,
                )
            )
            reorgs = None if options.faults.reorg is None else Reorgs(world, options.faults.reorg)
        if options.world_file is not None:
            options.world_file.write_bytes(to_json(world))
        seed = options.traders.seed
        venues = {name: await stack.enter_async_context(emulated(name, seed)) for name in options.venues}
        say(_opening(options, world, proxy, venues))
        deadline = asyncio.timeout(options.seconds)
        try:
            async with deadline:
                await trade(world, options.traders, counts, reorgs.between_blocks if reorgs else None)
        except TimeoutError:
            if not deadline.expired():
                raise
        finally:
            injected = {**(proxy.counts if proxy else {}), **({"reorg": reorgs.count} if reorgs else {})}
            say(_closing(options, counts, injected))
    return counts


def _opening(options: SandboxOptions, world: World, proxy: FaultProxy | None, venues: dict[str, str]) -> str:
    if not options.as_json:
        parts = [describe(world)] if proxy is None else [describe(world), _describe(proxy, options)]
        return "\n".join([*parts, *venues.values()])
    said: dict[str, Any] = msgspec.structs.asdict(world)
    if proxy is not None:
        said["faulty"] = {
            "http_url": proxy.http_url,
            "ws_url": proxy.ws_url,
            "scenario": str(proxy.scenario),
            "seed": options.faults_seed,
        }
    if venues:
        said["venues"] = venues
    return msgspec.json.encode(said).decode()


def _describe(proxy: FaultProxy, options: SandboxOptions) -> str:
    return (
        f"faulty http       {proxy.http_url}\n"
        f"faulty websocket  {proxy.ws_url}\n"
        f"faults            {proxy.scenario}, seed {options.faults_seed}"
    )


def _closing(options: SandboxOptions, counts: TraderCounts, injected: dict[str, int]) -> str:
    if options.as_json:
        said: dict[str, Any] = msgspec.structs.asdict(counts)
        if options.faults is not None:
            said["injected"] = injected
        return msgspec.json.encode(said).decode()
    if options.faults is None:
        return _summary(counts)
    faults = ", ".join(f"{kind} {count}" for kind, count in injected.items())
    return f"{_summary(counts)}\nfaults injected: {faults or 'none'}"


def describe(world: World) -> str:
    """Return the endpoints and addresses as lines of text."""
    symbols = {token.address: token.symbol for token in world.tokens}
    lines = [
        f"chain      {world.chain_id}, node process {world.node_pid}",
        f"http       {world.http_url}",
        f"websocket  {world.ws_url}",
        f"multicall  {world.multicall}",
        f"quoter     {world.quoter}",
        f"positions  {world.position_manager}",
    ]
    for factory in world.factories:
        lines.append(
            f"factory    {factory.address}  {factory.dex} {factory.protocol}, router {factory.router}"
        )
    for token in world.tokens:
        lines.append(f"token      {token.address}  {token.symbol}, {token.decimals} decimals")
    for pool in world.pools:
        pair = f"{symbols[pool.token0]}/{symbols[pool.token1]}"
        lines.append(
            f"pool       {pool.address}  {pool.dex} {pool.protocol} {pair} {pool.fee_ppm / 10_000:g} %"
        )
    lines += [_describe_further(pool, symbols) for pool in world.further_pools]
    for odd in world.odd_tokens:
        lines.append(f"odd token  {odd.address}  {odd.oddity}, {odd.decimals} decimals, pair {odd.pair}")
    return "\n".join(lines)


def _describe_further(pool: FurtherPool, symbols: dict[str, str]) -> str:
    tokens = "/".join(symbols[token] for token in pool.tokens)
    fee = "fee that moves" if pool.fee_ppm is None else f"{pool.fee_ppm / 10_000:g} %"
    pool_id = "" if pool.pool_id is None else f", id {pool.pool_id}"
    return f"further    {pool.address}  {pool.dex} {pool.protocol} {tokens} {fee}{pool_id}"


def _summary(counts: TraderCounts) -> str:
    return (
        f"{counts.blocks} blocks, {counts.swaps} swaps mined and {counts.further_swaps} in further pools; "
        f"of {counts.sent} transactions sent {counts.reverted} were reverted and {counts.rejected} rejected"
    )
