"""Events of every kind over HTTP: filters, fields, pages, forms, and what does not fit."""

import csv
import io
import json

import msgspec
import pyarrow as pa
import pytest

from tidemill.schema import derive
from tidemill.schema.events import EVENTS
from tidemill.serve.forms import ARROW, CSV, JSON, NDJSON, plain_rows

from .stored import START_NS, events

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROWS = 7


async def answer(client, path, accept=JSON, status=200, **headers):
    async with client.session.get(client.url + path, headers={"Accept": accept, **headers}) as found:
        body = await found.read()
        assert found.status == status, body[:500]
        if status == 200:
            assert found.content_type == accept
        return body, found.headers


def read_back(form, body, tag):
    if form == JSON:
        return msgspec.json.decode(body)["events"]
    if form == NDJSON:
        return [json.loads(line) for line in body.splitlines()]
    if form == ARROW:
        table = pa.ipc.open_stream(body).read_all()
        assert table.schema == derive.arrow_schema(tag)
        return plain_rows(tag, table)
    return list(csv.DictReader(io.StringIO(body.decode())))


@pytest.mark.parametrize("form", [JSON, NDJSON, CSV, ARROW])
@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_every_kind_of_event_is_read_in_every_form(told, client, form, order):
    for tag in EVENTS:
        body, _ = await answer(client, f"/events/{tag}?order={order}&finality=instant", form)
        expected = plain_rows(tag, pa.Table.from_batches(told.batches[tag]))
        if order == "newest":
            expected.reverse()
        if form == CSV:
            expected = [
                {name: "" if value is None else str(value) for name, value in row.items()} for row in expected
            ]
        assert read_back(form, body, tag) == expected, tag


async def test_pages_follow_each_other_though_rows_come(told, client):
    for tag in ("swap", "pool_state", "book_change"):
        for query in ("finality=instant", "finality=canonical", "order=oldest"):
            seen, cursor = [], ""
            while True:
                body, headers = await answer(client, f"/events/{tag}?limit=2&{query}{cursor}")
                page = msgspec.json.decode(body)
                seen += [row["event_ns"] for row in page["events"]]
                assert headers.get("X-Next-Cursor") == page["next"]
                if page["next"] is None:
                    break
                cursor = f"&cursor={page['next']}"
            assert seen == sorted(set(seen), reverse="order" not in query)
            assert len(seen) == ROWS


async def test_a_row_that_comes_in_front_moves_no_page(told, client):
    first = msgspec.json.decode((await answer(client, "/events/trade?limit=3"))[0])
    await told.commit("trade", events("trade", 50, 2))
    second = msgspec.json.decode((await answer(client, f"/events/trade?limit=9&cursor={first['next']}"))[0])
    times = [row["event_ns"] for row in first["events"] + second["events"]]
    assert times == [START_NS + number * 10**9 for number in range(ROWS, 0, -1)], "the new ones are newer"
    newest = msgspec.json.decode((await answer(client, "/events/trade?limit=1"))[0])
    assert newest["events"][0]["event_ns"] == START_NS + 51 * 10**9


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("block_number=3", [3]),
        ("block_number=3&block_number=5", [5, 3]),
        ("where=block_number>=6", [7, 6]),
        ("where=block_number>2&where=block_number<4", [3]),
        ("where=block_number!=3&where=block_number<5", [4, 2, 1]),
        ("where=amount0_in<=1000000000000000000000000000002", [2, 1]),
        ("sqrt_price_x96=null", [6, 3]),
        ("where=sqrt_price_x96!=null&where=block_number<3", [2, 1]),
        (f"pool=0x{4:040x}", [4]),
        (f"start={START_NS + 6 * 10**9}", [7, 6]),
        ("start=2023-11-14T22:13:26Z&end=2023-11-14T22:13:27Z", [6]),
        ("start=2023-11-14&end=2023-11-15&limit=1", [7]),
        ("end=2023-11-14", []),
        ("source=nobody", []),
        ("tx_index=9999999", []),
    ],
)
@pytest.mark.parametrize("finality", ["instant", "canonical"])
async def test_filters_are_those_of_the_columns_types(client, query, numbers, finality):
    body, _ = await answer(client, f"/events/swap?{query}&fields=block_number&finality={finality}")
    assert msgspec.json.decode(body)["events"] == [{"block_number": number} for number in numbers]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor: expected one that `next` gave"),
        ("cursor=" + "a" * 5000, "cursor"),
        ("fields=nothing", "fields: expected some of"),
        ("nothing=1", "unknown parameter"),
        ("where=nothing", "where"),
        ("where=nothing=1", "where"),
        ("where=block_number~1", "where"),
        ("where=block_number>1;DROP TABLE swap", "block_number: expected an integer"),
        ("where=block_number>-1", "block_number"),
        ("where=sqrt_price_x96<null", "expected = or !="),
        ("pool=0x12", "pool: expected 0x and 40 digits"),
        ("dex=' OR 1=1 --" + "x" * 300, "dex: expected up to 200"),
        ("start=yesterday", "start: expected a date"),
        ("start=1600-01-01", "start: expected a time from 1970"),
        ("finality=maybe", "finality"),
        ("require=everything", "require"),
        ("limit=1&limit=2", "limit: expected it once"),
    ],
)
async def test_what_does_not_fit_is_refused_by_name(client, query, message):
    body, _ = await answer(client, f"/events/swap?{query}", status=400)
    assert message in msgspec.json.decode(body)["message"]


async def test_a_text_is_never_a_part_of_the_statement(client):
    for text in ("' OR 1=1 --", "{p0:String}", "\\', 1); --", "\t\n\0", "'; DROP TABLE swap"):
        async with client.session.get(client.url + "/events/swap", params={"dex": text}) as found:
            assert (found.status, (await found.json())["events"]) == (200, [])


async def test_a_cursor_of_another_kind_or_order_is_refused(client):
    page = msgspec.json.decode((await answer(client, "/events/swap?limit=1"))[0])
    for path in ("/events/pool?", "/events/swap?order=oldest&"):
        await answer(client, f"{path}cursor={page['next']}", status=400)


async def test_an_answer_that_is_known_is_not_sent_again(client):
    for path in ("/events/block", "/events/block?order=oldest"):
        body, headers = await answer(client, path)
        assert body
        again, _ = await answer(client, path, status=304, **{"If-None-Match": headers["ETag"]})
        assert again == b""
        assert "Accept" in headers["Vary"]


async def test_another_form_than_ours_is_refused_and_the_best_liked_is_taken(client):
    await answer(client, "/events/block", "application/xml", status=400)
    async with client.session.get(
        client.url + "/events/block", headers={"Accept": f"*/*;q=0.1, {CSV}"}
    ) as found:
        assert found.content_type == CSV


async def test_what_is_stored_is_told_beside_the_rows_and_may_be_required(client):
    _, headers = await answer(client, "/events/swap")
    covered = json.loads(headers["X-Coverage"])
    assert set(covered["eth"]) == {"from_block", "to_block", "is_complete", "missing_blocks"}
    body, _ = await answer(client, "/events/swap?require=complete:receipts_root", status=409)
    assert msgspec.json.decode(body)["fault"] == "Gap"


async def test_transactions_and_history_have_the_names_of_the_source_document(client):
    body, _ = await answer(client, "/transactions?limit=2")
    assert len(msgspec.json.decode(body)["events"]) == 2
    body, _ = await answer(client, "/historical?start=2023-11-01&end=2023-12-01")
    times = [row["event_ns"] for row in msgspec.json.decode(body)["events"]]
    assert times == sorted(times)
    assert len(times) == ROWS
