"""`tidemill ingest`: read venues and chains onto the bus and into the stores beside it; make no tables."""

import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

import tidemill
from tidemill.app.settings import Environment, Settings
from tidemill.app.up import UpOptions, read_until_stopped
from tidemill.app.venues.markets import markets_of
from tidemill.schema.faults import Refused

_RELOAD = "--reload"
_RETENTION_BYTES = 32 << 20
"""Where the settings do not say: what lies on the bus is mapped into memory, and nobody here reads what is
old. A server beside that is away for longer than this lasts loses the oldest, and they are counted."""


def main(environment: Environment, names: Sequence[str], *, with_api: bool) -> int:
    """Read until a signal; return the exit code.

    Raises: Refused, where nothing is configured, a name is not, or another process owns the data folder.
    """
    settings = narrowed(environment.settings, names) if names else environment.settings
    if "bus.retention_bytes" not in environment.loaded.origins:
        settings = structs.replace(
            settings, bus=structs.replace(settings.bus, retention_bytes=_RETENTION_BYTES)
        )
    loaded = environment.loaded._replace(settings=settings)
    options = UpOptions(settings.record.enabled, with_view=False, with_api=with_api, with_store=False)
    return read_until_stopped(environment._replace(loaded=loaded), options)


def narrowed(settings: Settings, names: Sequence[str]) -> Settings:
    """Return the settings of those chains, subgraphs and venues alone. Raises: Refused."""
    known = {*settings.chains, *settings.subgraphs, *markets_of(settings)}
    for name in names:
        if name not in known:
            raise Refused(
                f"ingest: expected one of {', '.join(sorted(known)) or 'none, as nothing is configured'},"
                f" found {name!r}"
            )
    subgraphs = {name: one for name, one in settings.subgraphs.items() if name in names}
    needed = {*names, *(one.chain for one in subgraphs.values())}
    unread = {
        one.name: one.default for one in structs.fields(settings.venues) if one.name not in names
    }  # a venue is not read by default
    return structs.replace(
        settings,
        chains={name: one for name, one in settings.chains.items() if name in needed},
        search={name: one for name, one in settings.search.items() if name in needed},
        subgraphs=subgraphs,
        venues=structs.replace(settings.venues, **unread),
        feeds={name: one for name, one in settings.feeds.items() if name in names},
    )


def reloading(environment: Environment, arguments: Sequence[str]) -> int:
    """Run the same command in a process of its own, and again after every change of program or settings.

    Raises: Refused, where the library is missing that watches files.
    """
    try:
        from watchfiles import PythonFilter, run_process
    except ImportError:
        raise Refused(f"{_RELOAD}: expected the package watchfiles; `pip install watchfiles`") from None
    watched = [Path(tidemill.__file__).parent]
    watched += [path for path in (environment.file, Path(".env")) if path is not None and path.exists()]
    again = [one for one in arguments if one != _RELOAD]
    run_process(
        *watched,
        target=_run_again,
        args=(again,),
        watch_filter=PythonFilter(extra_extensions=(".toml", ".env")),
    )
    return 0


def _run_again(arguments: list[str]) -> None:
    from tidemill.app import cli

    sys.argv = ["tidemill", *arguments]
    cli.main()
