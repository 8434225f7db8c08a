"""What `tidemill doctor` asks the servers that the settings name: are they there, and do they let us in."""

import asyncio
from collections.abc import Awaitable, Callable

from tidemill.app.settings import Environment

Look = Callable[[], Awaitable[str]]
"""Returns what was found. Raises: Fault, saying what to do."""


def server_checks(environment: Environment) -> list[tuple[str, Look]]:
    """Return the checks of those that are configured, by name."""
    settings = environment.settings
    found: list[tuple[str, Look]] = [("registry", lambda: _registry(environment))]
    if settings.redis.url:
        found.append(("redis", lambda: _redis(environment)))
    if settings.influxdb.url:
        found.append(("influxdb", lambda: _influxdb(environment)))
    return found


async def _registry(environment: Environment) -> str:
    from tidemill.store.registry import database_of, open_registry

    url, settings = environment.registry_url, environment.settings.registry
    database = database_of(url, settings)
    if database.path is not None and not database.path.exists():
        return f"{database.path}: not there yet; it is made when the first whale is added"

    def count() -> int:
        with open_registry(url, settings) as registry:
            return len(registry.whales())

    return f"{await asyncio.to_thread(count)} whales in {database.name}"


async def _redis(environment: Environment) -> str:
    from tidemill.store.latest import RedisLink

    async with RedisLink(environment.settings.redis) as link:
        await link.ask("EVAL", "return 1", 0)  # books are written by a script, which a user may be denied
        return f"{link.name} answers, and takes scripts"


async def _influxdb(environment: Environment) -> str:
    from tidemill.store.line_protocol import LineStore

    async with LineStore(environment.settings.influxdb) as lines:
        await lines.check()
        return f"{lines.name} answers, and takes points"
