"""`tidemill demo`: a local chain with real pools and traders, read, stored and shown; then the proof."""

import asyncio
import json
import logging
import shutil
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from msgspec import Struct, structs, to_builtins

from tidemill.app.chains.verify import Proof, is_read, prove
from tidemill.app.control import ask_status, serving
from tidemill.app.engine import Engine
from tidemill.app.running import until_stopped
from tidemill.app.sandbox.demo_page import showing_page
from tidemill.app.sandbox.demo_venues import VenueOutcome, emulating, outcomes
from tidemill.app.sandbox.live import LiveState
from tidemill.app.sandbox.trading import trading
from tidemill.app.sandbox.view import show
from tidemill.app.sandbox.world import FOLLOWED, SOURCE, world_config, world_search
from tidemill.app.settings import Environment
from tidemill.core.log import logging_to
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.traders import TraderCounts, TraderOptions
from tidemill.sandbox.world import World, to_json
from tidemill.schema.faults import Refused, Unreachable

_log = logging.getLogger("tidemill.demo")

_WORLD_FILE = "world.json"
_EXAMPLE = "SELECT dex, protocol, count() FROM swap GROUP BY ALL"
_ATOMIC_PERCENT = 30
"""Of the arbitrages: enough to see some within seconds."""
_FOUND_MAX = 20
"""Opportunities told of a block: more than anybody looks at, and each is followed for blocks."""
_CATCH_UP_S = 60.0
_POLL_S = 0.05


class DemoOptions(Struct, frozen=True, kw_only=True):
    """What the command line says."""

    seconds: float
    swaps_per_s: float
    record: bool = False
    inspect: bool = True
    """Whether arbitrages are looked for in every block."""
    venues: tuple[str, ...] = ()
    """Those that are emulated and read beside the chain."""
    is_json: bool = False
    block_ms: int = 250
    seed: int = 1


class Summary(Struct, frozen=True, kw_only=True):
    """What came of a demo."""

    ok: bool
    seconds: float
    events: int
    proof: Proof
    frame_to_bus: dict[str, Any]
    frame_to_stored: dict[str, Any]
    rows: dict[str, int]
    """By table, as stored."""
    traders: TraderCounts
    chain: dict[str, Any]
    venues: dict[str, VenueOutcome]


def main(environment: Environment, options: DemoOptions) -> int:
    """Run the demo; return 0 only where nothing is missing, double or unequal.

    Raises: Refused, where the data folder holds something else than a demo.
    """
    if asyncio.run(ask_status(environment.paths.data)) is not None:
        raise Refused(
            f"demo: expected nothing to run on {environment.paths.data}, found a tidemill; stop it first"
        )
    _make_anew(environment.paths.data)
    with logging_to(environment.paths.logs, environment.settings.log, environment.redactor, console=False):
        summary = asyncio.run(_demo(environment, options))
    if options.is_json:
        print(json.dumps(to_builtins(summary), indent=2))
    else:
        _print(summary, options, environment.paths.data)
    return 0 if summary.ok else 1


def _make_anew(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _WORLD_FILE).exists():
            raise Refused(
                f"demo: expected {folder} to be empty or of an earlier demo; choose another with --data"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _WORLD_FILE).touch()


async def _demo(environment: Environment, options: DemoOptions) -> Summary:
    state = LiveState()
    environment = environment.with_chains_alone()
    async with AsyncExitStack() as opened:
        world = await opened.enter_async_context(open_world())
        world_file = environment.paths.data / _WORLD_FILE
        world_file.write_bytes(to_json(world))
        config = structs.replace(world_config(world), inspection="receipts" if options.inspect else "off")
        emulators = await opened.enter_async_context(AsyncExitStack())
        environment = await emulators.enter_async_context(
            emulating(environment, options.venues, options.seed)
        )
        engine = await opened.enter_async_context(
            Engine(
                environment,
                {SOURCE: config},
                record=options.record,
                search={SOURCE: structs.replace(world_search(world), found_max=_FOUND_MAX)},
                on_batches=state.take,
            )
        )
        await opened.enter_async_context(
            serving(environment.paths.data, engine.status, engine.query, engine.stream)
        )
        url = await opened.enter_async_context(showing_page(environment, engine))
        if url is not None and not options.is_json:
            print(f"look at it in a browser: {url}", flush=True)
        pace = TraderOptions(
            swaps_per_s=options.swaps_per_s,
            further_protocols=tuple(FOLLOWED),
            atomic_percent=_ATOMIC_PERCENT,
            block_ms=options.block_ms,
            seed=options.seed,
        )
        traders = await opened.enter_async_context(trading(world_file, pace))
        started_s = time.monotonic()
        running = asyncio.create_task(engine.run(), name="engine")
        try:
            ends_s = started_s + options.seconds if options.seconds else None
            shown = None if options.is_json else asyncio.create_task(show(engine, state, ends_s), name="view")
            await _until_over(running, options.seconds or None)
            venues = outcomes(engine.markets)
            await emulators.aclose()
            await traders.stop()
            assert traders.counts is not None
            await world.mine()
            await _caught_up(engine, world, running)
            if shown is not None:
                shown.cancel()
                await asyncio.wait([shown])
            seconds = time.monotonic() - started_s
            return await _summary(engine, world, traders.counts, venues, seconds)
        finally:
            running.cancel()
            await asyncio.wait([running])


async def _until_over(running: asyncio.Task[None], seconds: float | None) -> None:
    """Wait for the time to pass or Ctrl-C; a bug in the engine ends it at once."""
    waiting = asyncio.create_task(until_stopped(seconds), name="time")
    await asyncio.wait([waiting, running], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        waiting.cancel()
        running.result()


async def _caught_up(engine: Engine, world: World, running: asyncio.Task[None]) -> None:
    """Wait until everything on the chain is stored. Raises: Unreachable, where that does not come to pass."""
    head = 0
    try:
        async with asyncio.timeout(_CATCH_UP_S), Rpc(world.http_url) as rpc:
            head = int(await rpc.call("eth_blockNumber"), 16)
            while not (
                engine.pipelines
                and engine.pipelines[SOURCE].tip == head
                and all(run.counts.last_block == head for run in engine.inspections.chains.values())
                and is_read(world, engine.pipelines[SOURCE].book)
                and engine.pipelines[SOURCE].is_pursued
                and await engine.is_stored()
            ):
                if running.done():
                    running.result()
                status = engine.statuses[SOURCE]
                if status.state not in {"connecting", "running"}:
                    raise Refused(f"demo: the chain's reader ended: {status.last_fault}")
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        tips = {source: pipeline.tip for source, pipeline in engine.pipelines.items()}
        raise Unreachable(
            f"demo: expected block {head} to be stored within {_CATCH_UP_S:g} s, found {tips}"
            + "".join(f"; store: {fault}" for fault in list(engine.store_faults)[-1:])
        ) from None


async def _summary(
    engine: Engine, world: World, counts: TraderCounts, venues: dict[str, VenueOutcome], seconds: float
) -> Summary:
    book = engine.pipelines[SOURCE].book
    proof = await prove(world, book, engine.query)
    status = await engine.status()
    return Summary(
        ok=proof.is_whole and all(venue.live for venue in venues.values()),
        seconds=round(seconds, 1),
        events=engine.flow.events,
        proof=proof,
        frame_to_bus=status["frame_to_bus"],
        frame_to_stored=status["frame_to_stored"],
        rows=await engine.rows(),
        traders=structs.replace(counts),
        chain=status["chains"][SOURCE],
        venues=venues,
    )


def _print(summary: Summary, options: DemoOptions, folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print()
    proof = Table(
        "events", "on the chain", "stored", "missing", "double", "unknown", title="Proof against the node"
    )
    for name, table in summary.proof.tables.items():
        cells = (table.on_chain, table.stored, table.missing, table.double, table.unknown)
        proof.add_row(name, *(str(cell) for cell in cells))
    console.print(proof)
    pools = summary.proof.pools
    console.print(f"pools: {pools.checked} checked, {pools.equal} equal to their contracts")
    for line in pools.unequal:
        console.print(f"  {line}", style="red")
    times = Table("latency", "events", "p50 ms", "p99 ms", "max ms")
    for name, latency in (("frame → bus", summary.frame_to_bus), ("frame → stored", summary.frame_to_stored)):
        times.add_row(name, *(str(latency[key]) for key in ("count", "p50_ms", "p99_ms", "max_ms")))
    console.print(times)
    rows = Table("table", "rows")
    for name, count in sorted(summary.rows.items()):
        rows.add_row(name, str(count))
    console.print(rows)
    for name, venue in summary.venues.items():
        console.print(f"{name}: {venue.books} books, {venue.live} live, {venue.gaps} gaps")
    made = f"{summary.traders.atomic_paid} arbitrages were made in one transaction each"
    found = f"{summary.rows['arbitrage']} were found" if options.inspect else "none was looked for"
    console.print(f"{made}, {found}")
    rate = summary.events / summary.seconds
    console.print(
        f"{summary.events} events in {summary.seconds} s, {rate:.0f}/s; {summary.chain['faults']} faults"
    )
    if summary.chain["recording"]:
        console.print(f"recording: {summary.chain['recording']}, digest {summary.chain['digest']}")
    verdict = "nothing missing, nothing double, every pool equal" if summary.ok else "NOT WHOLE: see above"
    console.print(verdict, style="bold green" if summary.ok else "bold red")
    console.print(f"ask it: tidemill sql --data {folder} {_EXAMPLE!r}", style="dim")
