"""Statements and statistics over HTTP: what they answer, what is kept, and what they may not reach."""

import json

import pyarrow as pa
import pytest
import pytest_asyncio

from tidemill.serve.cache import Cache
from tidemill.serve.forms import ARROW, CSV, NDJSON
from tidemill.serve.program import ProgramState

from .program import program, served
from .stored import START_NS, events, stored_program

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(tmp_path_factory):
    async with stored_program(tmp_path_factory.mktemp("sql")) as told:
        told.told = program(now_ns=START_NS)
        assert isinstance(told.told, ProgramState)
        await told.commit("swap", events("swap", 1, 5))
        await told.commit("arbitrage_transaction", events("arbitrage_transaction", 1, 5))
        yield told


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(told):
    async with served(told) as client:
        yield client


async def post(client, body, accept="application/json"):
    headers = {"Accept": accept}
    async with client.session.post(client.url + "/sql", json=body, headers=headers) as answer:
        return answer.status, await answer.read()


async def test_a_statement_is_answered_in_every_form_with_exact_numbers(client):
    query = "SELECT block_number, amount0_in FROM swap WHERE block_number = {wanted:UInt64}"
    body = {"query": query, "params": {"wanted": "3"}}
    row = {"block_number": 3, "amount0_in": str(10**30 + 3)}
    assert json.loads((await post(client, body))[1]) == {"rows": [row]}
    assert json.loads((await post(client, body, NDJSON))[1]) == row
    assert (await post(client, body, CSV))[1].decode() == f"block_number,amount0_in\n3,{10**30 + 3}\n"
    table = pa.ipc.open_stream((await post(client, body, ARROW))[1]).read_all()
    assert table.column("block_number").to_pylist() == [3]
    assert await client.get("/sql?query=SELECT+1+AS+one") == {"rows": [{"one": 1}]}


async def test_csv_tells_empty_text_from_what_is_absent_and_quotes_every_end_of_a_line(client):
    query = r"SELECT 'a\rb' AS one, '' AS two, NULL AS three, 'say \"x\", y' AS four"
    _, body = await post(client, {"query": query}, CSV)
    assert body.decode() == 'one,two,three,four\n"a\rb","",,"say ""x"", y"\n'


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO swap SELECT * FROM swap",
        "DROP TABLE swap",
        "SELECT 1; DROP TABLE swap",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SHOW PROCESSLIST",
        "show /* */ full processlist",
        "SHOW SETTINGS LIKE '%'",
        "SELECT 1 IN system.users",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', system.one)",
        "SELECT * FROM s3('http://127.0.0.1:1/x', 'CSV')",
        "SELECT * FROM executable('id', 'TabSeparated', 'x String')",
        "SELECT * FROM (SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString'))",
        "WITH x AS (SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')) SELECT * FROM x",
        "SELECT * FROM system.query_log",
        "SELECT * FROM `system`.`users`",
        "SELECT 1 WHERE 1 IN system.users",
        "SELECT * FROM swap INTO OUTFILE '/tmp/x'",
        "SELECT * FROM swap SETTINGS max_result_rows = 0, readonly = 0",
        "SELECT number FROM numbers(10000000)",
        "SELECT sleepEachRow(1) FROM numbers(100)",
        "nonsense",
        "SELECT {wanted:UInt64}",
    ],
)
async def test_what_writes_or_reaches_outside_or_takes_too_much_is_refused(client, query):
    status, body = await post(client, {"query": query})
    assert (status, json.loads(body)["fault"]) == (400, "Refused"), body[:300]


async def test_statistics_by_day_are_kept_until_they_are_asked_anew(told, client):
    first = await client.get("/stats/daily?days=3")
    (day,) = first["days"]
    assert (day["day"], day["transactions"], day["kind"]) == ("2023-11-14", 5, "arbitrage")
    assert day["net_profit_native_wei"] == str(-sum(10**30 + number for number in (1, 2, 4, 5)))
    await told.commit("arbitrage_transaction", events("arbitrage_transaction", 10, 1))
    async with client.session.get(client.url + "/stats/daily?days=3") as answer:
        assert await answer.json() == first
        assert "Age" in answer.headers
    anew = await client.get("/stats/daily?days=3", headers={"Cache-Control": "no-cache"})
    assert anew["days"][0]["transactions"] == 6
    assert await client.get("/stats/daily?days=3") == anew
    assert (await client.get("/stats"))["tables"]["swap"]["rows"] == 5
    assert (await client.get("/stats/daily?days=0", 400))["fault"] == "Refused"


async def test_a_cache_makes_room():
    cache = Cache(300)
    await cache.put("one", b"1")
    assert (await cache.get("one")).content == b"1"
    for number in range(1_000):
        await cache.put(str(number), b"x")
    assert await cache.get("one") is None
