"""Can what others wrote into events, or what who calls writes, break out of an answer."""

import base64
import csv
import io
import random
from http import HTTPStatus

import msgspec
import pyarrow as pa
import pytest
import pytest_asyncio
from tests.serve.program import served
from tests.serve.stored import events, stored_program

pytestmark = pytest.mark.asyncio(loop_scope="module")
NASTY = '=HYPERLINK("http://evil.example")\r\nSet-Cookie: a=b\r\n\r\n"},{"\x00\u2028</script>\\'
JUNK = [
    b"",
    b"\xff" * 40,
    b"\x93",
    msgspec.msgpack.encode(["swap", True, []]),
    msgspec.msgpack.encode(["swap", True, [1] * 500]),
    msgspec.msgpack.encode(["swap", True, [{"x": 1}]]),
    msgspec.msgpack.encode(["swap", True, ["'; DROP TABLE swap; --"] * 6]),
    msgspec.msgpack.encode(["swap", True, [-(1 << 63)] * 6]),
    msgspec.msgpack.encode(["swap", True, [None] * 6]),
    msgspec.msgpack.encode(["swap", True, [b"\x00" * 900] * 2]),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory):
    async with stored_program(tmp_path_factory.mktemp("outputs")) as told:
        plain = events("swap", 1, 3)
        at = plain.schema.get_field_index("dex")
        nasty = pa.array([NASTY] * 3, plain.schema.field(at).type)
        await told.commit("swap", plain.set_column(at, plain.schema.field(at), nasty))
        async with served(told) as client:
            yield client


async def got(client, path, **more):
    async with client.session.get(client.url + path, **more) as answer:
        return answer.status, await answer.read(), answer.headers


async def test_text_of_others_stays_in_its_field(client):
    path = "/events/swap?order=oldest&fields=dex"
    _, told, headers = await got(client, path)
    assert [row["dex"] for row in msgspec.json.decode(told)["events"]] == [NASTY] * 3
    assert "Set-Cookie" not in headers
    _, told, headers = await got(client, path, headers={"Accept": "text/csv"})
    assert [row["dex"] for row in csv.DictReader(io.StringIO(told.decode(), newline=""))] == [NASTY] * 3
    assert headers["X-Content-Type-Options"] == "nosniff"
    _, told, _ = await got(client, path, headers={"Accept": "application/x-ndjson"})
    assert [msgspec.json.decode(line)["dex"] for line in told.split(b"\n") if line] == [NASTY] * 3


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
async def test_a_cursor_made_by_hand_is_refused_or_leads_nowhere_else(client, junk):
    cursor = base64.urlsafe_b64encode(junk).decode().rstrip("=")
    status, told, _ = await got(client, f"/events/swap?cursor={cursor}")
    assert status in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}, told
    if status == HTTPStatus.OK:
        assert {"events", "next"} == msgspec.json.decode(told).keys()


async def test_a_cursor_that_was_altered_is_never_a_bug(client):
    dice = random.Random(1)
    _, _, headers = await got(client, "/events/swap?limit=1&order=oldest")
    cursor = headers["X-Next-Cursor"]
    for _ in range(150):
        raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        for _ in range(dice.randrange(1, 4)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        altered = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        status, told, _ = await got(client, f"/events/swap?order=oldest&cursor={altered}")
        assert status in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}, (altered, told)


@pytest.mark.parametrize(
    "value",
    [
        "'",
        "\\'; DROP TABLE swap; --",
        "') OR 1=1 --",
        "%27%20OR%201",
        "{x:String}",
        "\\N",
        "\t\r\x00\\0",
        "\U0001f981",
        "a" * 199,
    ],
)
async def test_a_filter_is_a_value_whatever_it_says(client, value):
    for params in ({"dex": value}, {"where": f"dex={value}"}):
        status, told, _ = await got(client, "/events/swap", params=params)
        assert status == HTTPStatus.OK, told
        assert msgspec.json.decode(told)["events"] == []
    status, told, _ = await got(client, "/events/swap", params={"where": f"dex!={value}", "limit": "10"})
    assert len(msgspec.json.decode(told)["events"]) == 3


@pytest.mark.parametrize("column", ["dex'", "dex;--", "1", "dex)", "dex`", "dex FROM system.users", ""])
async def test_a_column_is_one_of_the_schemas(client, column):
    for params in ({"fields": column}, {"where": f"{column}=1"}, {column or "x": "1"}):
        status, _, _ = await got(client, "/events/swap", params=params)
        assert status == HTTPStatus.BAD_REQUEST, params
