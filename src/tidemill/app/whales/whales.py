"""`tidemill whales` and `tidemill db`: read and change the registry, and say what came of it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tidemill.app.settings import Environment
from tidemill.store.registry import (
    SEED,
    Whale,
    WhaleEdit,
    checksummed,
    database_of,
    edit_of,
    open_registry,
    read_whales,
    upgrade,
)

_SHOWN = ("pseudonym", "tier", "cluster_name", "primary_category")


def seed(environment: Environment, *, is_json: bool) -> int:
    """Add what a registry begins with; return the exit code."""
    return _put(environment, SEED, is_json)


def add(environment: Environment, given: Mapping[str, Any], *, is_json: bool) -> int:
    """Add or change a whale by what is not None; return the exit code. Raises: Malformed."""
    edit = edit_of({name: value for name, value in given.items() if value is not None}, is_text=True)
    return _put(environment, [edit], is_json)


def bring_in(environment: Environment, file: Path, *, is_json: bool) -> int:
    """Add or change the whales of a file; return the exit code. Raises: Malformed, naming the line."""
    return _put(environment, read_whales(file), is_json)


def show(environment: Environment, *, enabled_only: bool, is_json: bool) -> int:
    """Print the whales; return the exit code."""
    with open_registry(environment.registry_url, environment.settings.registry) as registry:
        found = [whale for whale in registry.whales().values() if whale.is_enabled or not enabled_only]
    if is_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        print("\n".join(map(_line, found)) or "no whales; `tidemill whales seed` adds one")
    return 0


def switch_name(*, is_copying: bool) -> str:
    """Return which field `enable` and `disable` set."""
    return "is_copying_enabled" if is_copying else "is_enabled"


def switch(
    environment: Environment, addresses: Sequence[str], wanted: Mapping[str, bool], *, is_json: bool
) -> int:
    """Set a switch of whales; return the exit code. Raises: Unknown, Malformed."""
    ((name, is_on),) = wanted.items()
    with open_registry(environment.registry_url, environment.settings.registry) as registry:
        changed = registry.switch(addresses, name, is_on=is_on)
    _say({"changed": changed}, is_json)
    return 0


def upgrade_tables(environment: Environment, *, is_json: bool) -> int:
    """Upgrade the registry's tables; return the exit code."""
    database = database_of(environment.registry_url, environment.settings.registry)
    done = upgrade(database)
    if is_json:
        print(json.dumps({"database": database.name, **done._asdict()}))
    else:
        print(f"{database.name}: revision {done.after}, before {done.before or 'none'}")
    return 0


def _put(environment: Environment, edits: Iterable[WhaleEdit], is_json: bool) -> int:
    with open_registry(environment.registry_url, environment.settings.registry) as registry:
        done = registry.put(edits)
    _say(done._asdict(), is_json)
    return 0


def _say(counts: Mapping[str, int], is_json: bool) -> None:
    print(json.dumps(counts) if is_json else ", ".join(f"{name} {count}" for name, count in counts.items()))


def _line(whale: Whale) -> str:
    switches = (
        f"{'enabled ' if whale.is_enabled else 'disabled'} {'copied' if whale.is_copying_enabled else ''}"
    )
    known = ", ".join(value for name in _SHOWN if (value := getattr(whale, name)) is not None)
    return f"{checksummed(whale.address)}  {switches:<15}  {known}".rstrip()
