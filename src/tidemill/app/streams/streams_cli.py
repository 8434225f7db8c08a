"""The command line of streams: what `tidemill process`, `sink` and `dead-letters …` take."""

from typing import Annotated

import typer

from tidemill.app.options import AsJson, ConfigFile, DataFolder, environment_of

streams = typer.Typer()
dead_letters = typer.Typer(
    name="dead-letters", help="See to messages that could not be taken in.", no_args_is_help=True
)
streams.add_typer(dead_letters)

Topic = Annotated[str | None, typer.Option("--topic", help="Of one topic; of all by default.")]


@streams.command("process")
def _process(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[PROCESSOR]…", help="By their names; all by default.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Run processors over the bus until stopped; on Kafka, several processes share the work."""
    from tidemill.app.streams import streams as command

    raise SystemExit(command.process(environment_of(config, data), names or []))


@streams.command("sink")
def _sink(config: ConfigFile = None, data: DataFolder = None) -> None:
    """Store what is on the bus until stopped: for a bus that another process writes to."""
    from tidemill.app.streams import streams as command

    raise SystemExit(command.sink(environment_of(config, data)))


@dead_letters.command("list")
def _list(
    topic: Topic = None, config: ConfigFile = None, data: DataFolder = None, json: AsJson = False
) -> None:
    """Print each with its reason; --json with its bytes as they came."""
    from tidemill.app.streams import dead_letters as command

    raise SystemExit(command.list_all(environment_of(config, data), topic, is_json=json))


@dead_letters.command("replay")
def _replay(
    topic: Topic = None, config: ConfigFile = None, data: DataFolder = None, json: AsJson = False
) -> None:
    """Give those that wait once more to who could not take them in; exit 1 where some are unreadable."""
    from tidemill.app.streams import dead_letters as command

    raise SystemExit(command.replay(environment_of(config, data), topic, is_json=json))
