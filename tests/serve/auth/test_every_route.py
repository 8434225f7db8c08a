"""No route answers who may not ask it: made from the table of routes, so that none escapes."""

import datetime as dt
import time
from http import HTTPStatus

import jwt
import pytest

from tidemill.app.api.additions import ROUTES as ADDED
from tidemill.serve import routes
from tidemill.serve.auth.api_key import make_key
from tidemill.serve.auth.config import AuthSettings, LimitSettings
from tidemill.serve.role import Role
from tidemill.serve.route import discover

from .guarded import NOW, SECRET, guarded, token

ALL = [*discover(routes), *ADDED]
ROUTES = [route for route in ALL if route.role is not None]
LOOSE = LimitSettings(requests_per_minute=1_000_000)
ADMIN = {"role": "admin"}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def path_of(route):
    return "/".join("x" if part.startswith("{") else part for part in route.path.split("/"))


async def status(server, route, shown=None, **more):
    is_socket = route.method == "WEBSOCKET"
    headers = {**(UPGRADE if is_socket else {}), **more.pop("headers", {})}
    method = "GET" if is_socket else route.method
    return await server.status(path_of(route), shown, method=method, headers=headers, **more)


def strangers():
    """Return what does not say who calls, by what is wrong with it."""
    head, claims, signature = token(ADMIN).split(".")
    an_end = time.time() + 60
    return {
        "nothing": None,
        "no token": "x",
        "empty": "",
        "expired": token({**ADMIN, "exp": time.time() - 1}),
        "without an end": token({**ADMIN, "exp": None}),
        "an end that is no number": token({**ADMIN, "exp": float("nan")}),
        "not yet": token({**ADMIN, "nbf": an_end}),
        "forged": token(ADMIN, key="another secret of forty bytes, not ours!"),
        "altered": f"{head}.{claims[:-4]}AAAA.{signature}",
        "unsigned": f"{head}.{claims}.",
        "alg none": jwt.encode({"sub": "desk", **ADMIN, "exp": an_end}, None, "none"),
        "another kid": token(ADMIN, kid="theirs"),
        "another algorithm": token(ADMIN, key=SECRET * 2, algorithm="HS512"),
        "a role that is none": token({"role": "root"}),
        "without a role": token({"role": None}),
        "without a name": token({**ADMIN, "sub": ""}),
        "a key that was never made": f"tidemill_{'0' * 12}_{'A' * 43}",
    }


async def test_every_route_turns_away_who_is_not_known(tmp_path):
    expired = make_key("expired", Role.ADMIN, NOW, dt.timedelta(hours=-1))
    revoked, other = (make_key("revoked", Role.ADMIN, NOW) for _ in range(2))
    revoked = revoked._replace(kept=revoked.kept._replace(revoked_at=NOW))
    shown = strangers()
    shown |= {"an expired key": expired.secret, "a revoked key": revoked.secret}
    shown["the secret of another key"] = revoked.secret[:22] + other.secret[22:]
    async with guarded(tmp_path, routes=ADDED, limits=LOOSE, made=(expired, revoked, other)) as server:
        assert await server.status("/stats", other.secret) == HTTPStatus.OK
        for route in ROUTES:
            for what, one in shown.items():
                found = await status(server, route, one)
                assert found == HTTPStatus.UNAUTHORIZED, (route.key, what)


@pytest.mark.parametrize("role", Role)
async def test_every_route_answers_its_role_and_those_above_and_nobody_below(tmp_path, role):
    async with guarded(tmp_path, routes=ADDED, limits=LOOSE) as server:
        for route in ROUTES:
            found = await status(server, route, token({"role": role}))
            denied = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
            assert (found in denied) == (not role.allows(route.role)), (route.key, found)


async def test_every_route_turns_away_an_address_that_is_not_allowed(tmp_path):
    auth = AuthSettings(jwt_secret=SECRET, allowed_addresses=("192.0.2.0/24",))
    async with guarded(tmp_path, routes=ADDED, auth=auth, limits=LOOSE) as server:
        for route in ALL:
            found = await status(
                server, route, token(ADMIN), headers={"X-Forwarded-For": "192.0.2.1, 127.0.0.1"}
            )
            assert found == HTTPStatus.FORBIDDEN, route.key


async def test_every_method_and_path_that_is_no_route_tells_nothing_to_strangers(tmp_path):
    async with guarded(tmp_path, routes=ADDED, limits=LOOSE) as server:
        for path in (
            "/assets/",
            "/nowhere",
            "//stats",
            "/stats/",
            "/STATS",
            "/%2e%2e/stats",
            "/stats%00",
            "/stats;x",
        ):
            for method in ("GET", "POST", "HEAD", "OPTIONS", "TRACE", "PROPFIND"):
                found = await server.status(path, method=method)
                assert found == HTTPStatus.UNAUTHORIZED, (method, path)
