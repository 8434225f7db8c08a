"""The command line: what each command takes; what it does is in its own module, imported when it runs."""

import errno
import os
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from tidemill.app.api.keys_cli import keys
from tidemill.app.brain.cli import brain
from tidemill.app.execution.execution_cli import execution
from tidemill.app.exporting.export_cli import exports, schedule
from tidemill.app.operating.alerts_cli import alerts
from tidemill.app.options import TIMES, USAGE_ERROR, AsJson, ConfigFile, DataFolder
from tidemill.app.options import end as _end
from tidemill.app.options import environment_of as _environment
from tidemill.app.streams.streams_cli import streams
from tidemill.app.training.train_cli import learning
from tidemill.app.whales.whales_cli import db, whales
from tidemill.schema.faults import Fault, leaves

MOST = 1_000_000_000
"""Of anything that is a number here: 30 years of seconds; `inf` is none."""

BLOCK_MOST = (1 << 63) - 1

app = typer.Typer(
    invoke_without_command=True,
    name="tidemill",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(whales)
app.add_typer(db)
app.add_typer(keys)
app.add_typer(alerts)
app.add_typer(streams)
app.add_typer(exports)
app.add_typer(schedule)
app.add_typer(learning)
app.add_typer(brain)
app.add_typer(execution)


class Format(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"


class GroupedBy(StrEnum):
    """What opportunities that are summed up together have in common."""

    CHAIN = "chain"
    PAIR = "pair"
    HOPS = "hops"


class LogsFormat(StrEnum):
    """What a file to replay is."""

    RECORDING = "recording"
    LOGS_CSV = "logs-csv"
    RPC_JSON = "rpc-json"


FromBlock = Annotated[
    int | None, typer.Option("--from-block", "--from", min=0, max=BLOCK_MOST, help="First block that counts.")
]
ToBlock = Annotated[
    int | None, typer.Option("--to-block", "--to", min=0, max=BLOCK_MOST, help="Last block that counts.")
]


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"tidemill {version('tidemill')}")
        raise typer.Exit


@app.callback()
def _no_command(
    context: typer.Context,
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Exact on-chain events, kept once, with proof that none is missing."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def up(
    config: ConfigFile = None,
    data: DataFolder = None,
    record: Annotated[
        bool | None, typer.Option("--record/--no-record", help="Keep every inbound frame.")
    ] = None,
    view: Annotated[bool, typer.Option("--view", help="Show what happens, live.")] = False,
    api: Annotated[bool, typer.Option("--api/--no-api", help="Serve the data API and metrics.")] = True,
) -> None:
    """Read every configured chain and venue into the store until stopped."""
    from tidemill.app import up as command

    raise SystemExit(command.main(_environment(config, data), record=record, with_view=view, with_api=api))


@app.command()
def serve(
    config: ConfigFile = None,
    data: DataFolder = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes that share the port; overrides the setting api.workers."),
    ] = None,
) -> None:
    """Serve the data API of a store that others write; `up` serves its own."""
    from tidemill.app.api import serve as command

    environment = _environment(config, data)
    raise SystemExit(command.main(environment if workers is None else environment.with_workers(workers)))


@app.command()
def ingest(
    venues: Annotated[
        list[str] | None,
        typer.Argument(metavar="[VENUE]…", help="Chains and venues by their names; all by default."),
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Begin anew when the program or the settings change.")
    ] = False,
    api: Annotated[bool, typer.Option("--api/--no-api", help="Serve the data API and metrics.")] = True,
) -> None:
    """Read venues and chains onto the bus, Redis and InfluxDB where these are set; store no tables."""
    from tidemill.app.venues import ingest as command

    if reload:
        raise SystemExit(command.reloading(_environment(config, data), sys.argv[1:]))
    raise SystemExit(command.main(_environment(config, data), venues or [], with_api=api))


@app.command()
def demo(
    config: ConfigFile = None,
    data: Annotated[Path, typer.Option("--data", metavar="FOLDER", help="Made anew.")] = Path("data/demo"),
    seconds: Annotated[float, typer.Option(min=0, max=MOST, help="0 runs until Ctrl-C.")] = 60.0,
    swaps_per_s: Annotated[float, typer.Option(min=0.1, max=MOST, help="How fast traders trade.")] = 200.0,
    record: Annotated[bool, typer.Option("--record", help="Keep every inbound frame.")] = False,
    inspect: Annotated[
        bool, typer.Option(help="Look for arbitrages in every block, which takes its node some time.")
    ] = True,
    venue: Annotated[
        list[str] | None,
        typer.Option(help="Emulate and read a venue beside the chain: polymarket, sei; may be repeated."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Run a local chain with real pools and traders, read it, show it, then prove that nothing is missing."""
    from tidemill.app.sandbox import demo as command
    from tidemill.sandbox.emulated import check_emulated

    try:
        venues = check_emulated(venue or [])
    except Fault as fault:
        raise typer.BadParameter(str(fault), param_hint="--venue") from fault
    options = command.DemoOptions(
        seconds=seconds,
        swaps_per_s=swaps_per_s,
        record=record,
        inspect=inspect,
        venues=venues,
        is_json=json,
    )
    raise SystemExit(command.main(_environment(config, data), options))


@app.command()
def sandbox(
    seconds: Annotated[float, typer.Option(min=0, max=MOST, help="0 runs until Ctrl-C.")] = 0.0,
    swaps_per_s: Annotated[float, typer.Option(min=0, max=MOST, help="0 for no traders.")] = 50.0,
    atomic_percent: Annotated[
        int, typer.Option(min=0, max=100, help="Of the arbitrages, those made in one transaction, at most.")
    ] = 0,
    further_percent: Annotated[
        int,
        typer.Option(
            min=0,
            max=MOST,
            help="Swaps in Algebra, Uniswap V4, Balancer, Curve and PancakeSwap V3 pools, "
            "beside the others and relative to them.",
        ),
    ] = 15,
    block_ms: Annotated[int, typer.Option(min=10, max=MOST, help="Time between blocks.")] = 500,
    seed: Annotated[int, typer.Option(help="The same seed trades the same and has the same faults.")] = 1,
    chain_id: Annotated[int, typer.Option(min=1, max=MOST, help="Whose id it bears, such as 1329.")] = 31_337,
    faults: Annotated[
        str | None,
        typer.Option(
            "--faults",
            metavar="SCENARIO",
            help="Put a misbehaving endpoint beside the honest one: a preset such as lossy, or kind=value "
            "items such as drop_log=1/100,freeze=10s/5s (docs/guide/emulator.md lists all).",
        ),
    ] = None,
    venue: Annotated[
        list[str] | None,
        typer.Option(help="Emulate a venue beside the chain: polymarket, sei; may be repeated."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Run a local chain with real pools and traders; print its endpoints and addresses."""
    from tidemill.app.sandbox import sandbox as command
    from tidemill.sandbox.traders import TraderOptions

    try:
        scenario = command.read_scenario(faults)
    except Fault as fault:
        raise typer.BadParameter(str(fault), param_hint="--faults") from fault
    traders = TraderOptions(
        swaps_per_s=swaps_per_s,
        atomic_percent=atomic_percent,
        further_percent=further_percent,
        block_ms=block_ms,
        seed=seed,
    )
    try:
        options = command.options(seconds=seconds, chain_id=chain_id, traders=traders, venues=venue or [])
    except Fault as fault:
        raise typer.BadParameter(str(fault), param_hint="--venue") from fault
    raise SystemExit(command.main(options, scenario, is_json=json))


@app.command()
def pool_server(config: ConfigFile = None, data: DataFolder = None) -> None:
    """Tell over HTTP what any pool of the configured chains holds, until stopped."""
    from tidemill.app.chains import pool_server as command

    raise SystemExit(command.main(_environment(config, data)))


@app.command()
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="Benchmarks; all by default.")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, max=1_000, help="How often each is measured.")] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Put the figures into the documentation.")] = False,
    against: Annotated[
        bool, typer.Option("--against", help="Those that run a peer beside tidemill, and no other.")
    ] = False,
) -> None:
    """Measure this machine, in a checkout: speeds beside their limits and their peers."""
    from tidemill.app.operating import bench as command

    raise SystemExit(command.main(names or [], runs, keep=keep, against=against))


@app.command()
def doctor(config: ConfigFile = None, data: DataFolder = None, json: AsJson = False) -> None:
    """Check that everything tidemill needs is there and works."""
    from tidemill.app.operating import doctor as command

    raise SystemExit(command.main(config, data, is_json=json))


@app.command()
def status(config: ConfigFile = None, data: DataFolder = None, json: AsJson = False) -> None:
    """Say how the running tidemill fares; exit 1 where none runs."""
    from tidemill.app.operating import status as command

    raise SystemExit(command.main(_environment(config, data), is_json=json))


@app.command()
def logs(
    config: ConfigFile = None,
    data: DataFolder = None,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many of the last lines.")] = 20,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what is written.")] = False,
) -> None:
    """Print the log."""
    from tidemill.app.operating import logs as command

    raise SystemExit(command.main(_environment(config, data), lines=lines, follow=follow))


@app.command()
def record(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The recording to make; it must not exist.")],
    config: ConfigFile = None,
    data: DataFolder = None,
    chain: Annotated[
        str | None, typer.Option(help="Which chain; not needed where one is configured.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0, max=MOST, help="0 runs until Ctrl-C.")] = 0.0,
    json: AsJson = False,
) -> None:
    """Keep every frame of one chain in a file, and store nothing else."""
    from tidemill.app.recording import record as command

    options = command.RecordOptions(file=file, chain=chain, seconds=seconds, is_json=json)
    raise SystemExit(command.main(_environment(config, data), options))


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording, or logs from elsewhere.")],
    speed: Annotated[
        str, typer.Option(help="max, or a multiple of the recorded speed, such as 1x or 10x.")
    ] = "max",
    into: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Store the events there.")] = None,
    format: Annotated[LogsFormat, typer.Option(help="What the file is.")] = LogsFormat.RECORDING,
    chain_id: Annotated[
        int | None, typer.Option(min=1, help="Whose logs they are; not for recordings.")
    ] = None,
    pool: Annotated[
        list[str] | None, typer.Option(help="Address of a pool, where the logs do not say it.")
    ] = None,
    search: Annotated[
        bool, typer.Option("--search", help="Find and follow again what the recorded run did; at max speed.")
    ] = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Feed a recording through the same code again; print what came of it."""
    from tidemill.app.recording import replay as command

    if search and (speed != "max" or format is not LogsFormat.RECORDING):
        _end("--search: expected a recording, at --speed max", USAGE_ERROR)
    try:
        options = command.ReplayOptions(
            file=file,
            speed=command.speed_of(speed),
            into=into,
            form=format.value,
            chain_id=chain_id,
            pools=command.addresses_of(pool or []),
            with_search=search,
            is_json=json,
        )
    except ValueError as wrong:
        _end(str(wrong), USAGE_ERROR)
    raise SystemExit(command.main(_environment(config, into), options))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A statement that only reads.")],
    config: ConfigFile = None,
    data: DataFolder = None,
    format: Annotated[Format, typer.Option(help="How the answer is printed.")] = Format.TABLE,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    require: Annotated[
        str | None,
        typer.Option(metavar="complete[:LEVEL]", help="Fail where a block is missing, or proven by less."),
    ] = None,
    with_coverage: Annotated[
        bool, typer.Option("--with-coverage", help="A first JSON line says what the rows cover.")
    ] = False,
    source: Annotated[
        str | None, typer.Option(help="Whose coverage counts, where the statement reads only its rows.")
    ] = None,
    from_block: FromBlock = None,
    to_block: ToBlock = None,
) -> None:
    """Ask the store, whether tidemill runs or not."""
    from tidemill.app.operating import ask as command
    from tidemill.store.coverage import level_of

    form = "json" if json else format.value
    if with_coverage and form not in {"json", "arrow"}:
        _end(f"--with-coverage: expected --format json or arrow, found {form}", USAGE_ERROR)
    if require is None and form != "arrow" and not with_coverage:
        unused = {"--source": source, "--from-block": from_block, "--to-block": to_block}
        for option in (name for name, value in unused.items() if value is not None):
            _end(
                f"{option}: expected --require or --with-coverage beside it, for it limits these", USAGE_ERROR
            )
    try:
        level = None if require is None else level_of(require, "--require")
    except ValueError as wrong:
        _end(str(wrong), USAGE_ERROR)
    options = command.AskOptions(
        form=form,
        level=level,
        with_coverage=with_coverage,
        source=source,
        from_block=from_block,
        to_block=to_block,
    )
    raise SystemExit(command.main(_environment(config, data), query, options))


@app.command()
def coverage(
    config: ConfigFile = None,
    data: DataFolder = None,
    source: Annotated[str | None, typer.Option(help="Which source; all by default.")] = None,
    from_block: FromBlock = None,
    to_block: ToBlock = None,
    level: Annotated[
        str | None, typer.Option(help="claimed, bloom, receipts_root or agreed: fail where blocks have less.")
    ] = None,
    gaps: Annotated[bool, typer.Option("--gaps", help="Only the gaps.")] = False,
    json: AsJson = False,
) -> None:
    """Say which blocks are complete, by what proof, and what was missing; exit 1 where a range is not."""
    from tidemill.app.operating import coverage as command

    try:
        options = command.options_of(source, from_block, to_block, level)
    except ValueError as wrong:
        _end(str(wrong), USAGE_ERROR)
    raise SystemExit(command.main(_environment(config, data), options, gaps_only=gaps, is_json=json))


@app.command()
def explain(
    opportunity: Annotated[
        str,
        typer.Argument(
            metavar="ID|TX", help="An opportunity's id, or its first digits; or a transaction's hash."
        ),
    ],
    chain: Annotated[
        str | None, typer.Option(help="Which configured chain's node is asked for a transaction.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="The file with the transaction's block, instead of a node.")
    ] = None,
    chain_id: Annotated[int, typer.Option(min=1, help="Of which chain the file is.")] = 1,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Print an opportunity: hops, costs, states, what became of it; or a transaction: who gained by what."""
    from tidemill.app.chains import explain as command

    if command.is_tx(opportunity):
        environment = _environment(config, data)
        if chain or file or not command.is_stored(environment, opportunity.lower()):
            from tidemill.app.inspecting.inspecting import explain_tx

            source = None if file is None else (file, chain_id)
            raise SystemExit(explain_tx(environment, opportunity, chain, source, is_json=json))
    try:
        prefix = command.prefix_of(opportunity)
    except ValueError as wrong:
        _end(str(wrong), USAGE_ERROR)
    raise SystemExit(command.main(_environment(config, data), prefix, is_json=json))


@app.command()
def inspect(
    targets: Annotated[
        list[str],
        typer.Argument(help="Blocks' numbers, `latest`, transactions' hashes, or files (.json, .json.gz)."),
    ],
    chain: Annotated[
        str | None, typer.Option(help="Which configured chain's node is asked; the only one by default.")
    ] = None,
    chain_id: Annotated[int, typer.Option(min=1, help="Of which chain the files are.")] = 1,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Say what a block's transactions were: arbitrages, sandwiches, failed attempts, and who gained."""
    from tidemill.app.inspecting import inspecting as command

    raise SystemExit(command.main(_environment(config, None), targets, chain, chain_id, is_json=json))


@app.command()
def features(json: AsJson = False) -> None:
    """List the features of an arbitrage transaction's record: formula, unit, bounds, warm-up, source."""
    from tidemill.app.streams import features as command

    raise SystemExit(command.main(is_json=json))


@app.command()
def autopsy(
    config: ConfigFile = None,
    data: DataFolder = None,
    chain: Annotated[str | None, typer.Option(help="Which chain; all by default.")] = None,
    start: Annotated[datetime | None, typer.Option(formats=TIMES, help="First found then or later.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=TIMES, help="First found before that time.")] = None,
    by: Annotated[
        GroupedBy | None, typer.Option(help="Only one table: by chain, tokens or kinds of pools.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Say how long opportunities lasted, and which share was taken, expired, still pays, or is unknown."""
    from tidemill.app.chains import autopsy as command

    try:
        options = command.options_of(chain, start, end, None if by is None else by.value)
    except ValueError as wrong:
        _end(str(wrong), USAGE_ERROR)
    raise SystemExit(command.main(_environment(config, data), options, is_json=json))


@app.command()
def config(config: ConfigFile = None, data: DataFolder = None, json: AsJson = False) -> None:
    """Print every setting in force and where it comes from, without secrets."""
    from tidemill.app.operating import show_config as command

    raise SystemExit(command.main(_environment(config, data), is_json=json))


def main() -> None:
    """Run the command line; a fault is one line and exit code 1, never a traceback."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # closed by who started us
    try:
        code = app(standalone_mode=False)
    except TyperException as wrong:
        _end(_usage(wrong, sys.argv[1:]), USAGE_ERROR)
    except Fault as fault:
        _end(f"{type(fault).__name__}: {fault}", 1)
    except BaseExceptionGroup as group:  # of a task group; a bug among them keeps its traceback
        faults = list(leaves(group))
        if not all(isinstance(fault, Fault) for fault in faults):
            raise
        _end("; ".join(f"{type(fault).__name__}: {fault}" for fault in faults), 1)
    except BrokenPipeError:  # the reader of our output had enough
        _drop_output()
        raise SystemExit(0) from None
    except OSError as error:
        if error.filename is None and error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EIO}:
            raise
        _drop_output()
        where = f"{error.filename}: " if error.filename is not None else ""
        _end(f"Unreachable: {where}expected to read or write: {error.strerror}", 1)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    raise SystemExit(code)


def _drop_output() -> None:
    """Let go what was printed and not written, so that the interpreter does not fail over it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _usage(wrong: TyperException, arguments: list[str]) -> str:
    """Return what is wrong with the command line, with the value where it is an option's."""
    said = getattr(wrong, "format_message", wrong.__str__)().rstrip(".")
    for option in getattr(getattr(wrong, "param", None), "opts", ()):
        for argument, after in zip(arguments, [*arguments[1:], ""], strict=True):
            if argument == option or argument.startswith(f"{option}="):
                said += f"; found {argument.partition('=')[2] or after!r}"
    return f"{said}; see `tidemill --help`"


if __name__ == "__main__":
    main()
