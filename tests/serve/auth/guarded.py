"""A data API that asks who calls, over real HTTP, with its keys in a registry of its own."""

import datetime as dt
import time
from collections.abc import Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import jwt
import msgspec
from tests.serve.program import FakeProgram, program

from tidemill.core.redact import Redactor
from tidemill.serve.auth.api_key import MadeKey, make_key
from tidemill.serve.auth.config import AuthSettings, TlsSettings
from tidemill.serve.auth.protection import Surroundings, protecting
from tidemill.serve.config import ApiSettings, MetricsSettings
from tidemill.serve.ports import take_ports
from tidemill.serve.role import Role
from tidemill.serve.route import Route
from tidemill.serve.server import Additions, answering
from tidemill.store.latest_config import RedisSettings
from tidemill.store.registry import RegistrySettings
from tidemill.store.registry.api_keys import ApiKeys, open_api_keys

SECRET = "a secret of forty bytes that nobody knows"
NO_TLS = TlsSettings()
NOW = dt.datetime.now(dt.UTC)


def token(
    claims: dict[str, Any] | None = None, key: Any = SECRET, algorithm: str = "HS256", **headers: Any
) -> str:
    told = {"sub": "desk", "role": "viewer", "exp": time.time() + 60, **(claims or {})}
    return jwt.encode(told, key, algorithm, headers=headers)


class Guarded(NamedTuple):
    """One running server, and who asks it."""

    session: aiohttp.ClientSession
    url: str
    keys: ApiKeys
    logs: Path
    tls: Any
    stop: Callable[[], None]
    """Asks the server to end."""

    def key(self, role: Role = Role.VIEWER, **more: Any) -> str:
        made = make_key("a test", role, **{"now": NOW, **more})
        self.keys.add(made.kept)
        return made.secret

    def request(self, path: str, shown: str | None = None, method: str = "GET", **more: Any) -> Any:
        headers = {
            **more.pop("headers", {}),
            **({} if shown is None else {"Authorization": f"Bearer {shown}"}),
        }
        return self.session.request(method, self.url + path, headers=headers, ssl=self.tls, **more)

    async def ask(self, path: str, shown: str | None = None, **more: Any) -> tuple[int, Any, dict[str, str]]:
        async with self.request(path, shown, **more) as answer:
            content = await answer.read()
            told = (
                msgspec.json.decode(content) if content and answer.content_type.endswith("json") else content
            )
            return answer.status, told, {name.lower(): value for name, value in answer.headers.items()}

    async def status(self, path: str, shown: str | None = None, **more: Any) -> int:
        """Return the status alone: a stream has no end to wait for."""
        async with self.request(path, shown, **more) as answer:
            return answer.status


@asynccontextmanager
async def guarded(
    folder: Path,
    *,
    tls: Any = True,
    routes: tuple[Route, ...] = (),
    redis: str | None = None,
    made: tuple[MadeKey, ...] = (),
    api_tls: TlsSettings = NO_TLS,
    connections_max: int = 64,
    **settings: Any,
):
    api = ApiSettings(
        port=0, tls=api_tls, **{"auth": AuthSettings(enabled=True, jwt_secret=SECRET), **settings}
    )
    url = f"sqlite://{folder / 'registry.db'}"
    around = Surroundings(
        url, RegistrySettings(), RedisSettings(url=redis), folder / "logs", Redactor([SECRET])
    )
    ports = take_ports(api, MetricsSettings(port=0))
    with open_api_keys(url) as keys, ExitStack() as opened:
        for one in made:
            keys.add(one.kept)
        protection = opened.enter_context(protecting(api, around))
        additions = Additions(protection=protection, routes=routes)
        async with (
            answering(FakeProgram(program()), ports, connections_max, additions) as running,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(15)) as session,
        ):
            yield Guarded(session, ports.api.url, keys, around.logs, tls, running.stop)
