"""What a table of routes finds, refuses, and tells of itself."""

import io
import json

import msgspec
import pytest
from msgspec import Struct

from tidemill.schema.faults import Refused, Unreachable
from tidemill.serve import routes
from tidemill.serve.openapi import openapi
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Parts, Route, RouteTable, discover
from tidemill.serve.server import Additions

from .program import FakeProgram, program, served


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    """Whose it is."""
    one: tuple[int, ...] = ()


class Sent(Struct, frozen=True, forbid_unknown_fields=True):
    size: int


async def echo(call):
    """Say what was asked."""
    return Answer({"name": call.asked.name, "one": call.asked.one, "size": call.body.size})


ECHO = Route(path="/echo/{name}", answer=echo, method="POST", role=Role.TRADER, asked=Asked, body=Sent)


def test_no_two_routes_have_the_same_method_and_path():
    with pytest.raises(Refused, match=r"POST /echo/\{name\} twice"):
        RouteTable([ECHO, ECHO])


@pytest.mark.parametrize("has", Role)
@pytest.mark.parametrize("needed", [None, *Role])
def test_a_role_may_do_what_those_before_it_may(has, needed):
    order = [None, "viewer", "analyst", "trader", "admin"]
    assert has.allows(needed) == (order.index(has) >= order.index(needed))


def test_a_route_is_found_by_method_and_path():
    table = RouteTable([*discover(routes), ECHO])
    assert table.find({"type": "http", "method": "POST", "path": "/echo/me"}) is ECHO
    assert table.find({"type": "http", "method": "GET", "path": "/echo/me"}) is None
    assert table.find({"type": "http", "method": "HEAD", "path": "/health"}).path == "/health"


def test_a_part_that_does_not_run_here_is_said_to_be_missing():
    assert Parts("here")[str] == "here"
    with pytest.raises(Unreachable, match="int: expected it to run in this process"):
        Parts("here")[int]


@pytest.mark.parametrize("route", list(discover(routes)), ids=lambda route: route.key)
def test_every_route_says_what_it_does(route):
    assert route.summary.endswith("."), route.key
    assert set(route.example) <= set(route.asked.__struct_fields__)


def test_the_schema_tells_of_every_route_its_role_and_its_parameters():
    described = json.loads(msgspec.json.encode(openapi([*discover(routes), ECHO], "1")))
    operation = described["paths"]["/echo/{name}"]["post"]
    assert operation["x-role"] == "trader"
    name, one = operation["parameters"]
    assert (name["in"], name["required"], name["description"]) == ("path", True, "Whose it is.")
    assert (one["in"], one["required"], one["schema"]["type"]) == ("query", False, "array")
    assert {"200", "400", "401", "403", "413", "429"} <= set(operation["responses"])
    asked = {route.path for route in discover(routes) if route.method != "WEBSOCKET"}
    assert asked <= set(described["paths"])


async def test_what_is_added_answers_like_the_rest_and_what_does_not_fit_is_refused():
    async with served(FakeProgram(program()), additions=Additions(routes=[ECHO])) as client:

        async def post(query, body):
            async with client.session.post(client.url + "/echo/me" + query, data=body) as answer:
                return answer.status, await answer.json()

        assert await post("?one=1&one=2", b'{"size": 3}') == (200, {"name": "me", "one": [1, 2], "size": 3})
        for query, body in (("?one=x", b'{"size": 3}'), ("", b"{"), ("", b'{"size": "x"}'), ("", b"\xff")):
            status, told = await post(query, body)
            assert (status, told["fault"]) == (400, "Refused")
        status, told = await post("", io.BytesIO(b"[" * (2 << 20)))
        assert status == 413
        assert "1048576 bytes" in told["message"]


async def test_schema_and_page_are_answered():
    async with served(FakeProgram(program())) as client:
        assert (await client.get("/openapi.json"))["openapi"] == "3.1.0"
        async with client.session.get(client.url + "/docs") as answer:
            assert answer.content_type == "text/html"
            assert "/health" in await answer.text()
