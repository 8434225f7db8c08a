"""What a statement of one's own answers: it only reads, and only so much."""

import asyncio
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from starlette.responses import Response

from tidemill.serve.across import Across
from tidemill.serve.forms import ARROW, CSV, JSON, NDJSON, csv_bytes, table_bytes, wanted_form
from tidemill.serve.role import Role
from tidemill.serve.route import Call, Route
from tidemill.store.answer import readable, rows_of

_Statement = Annotated[str, Meta(min_length=1, max_length=100_000)]
_FORMS = (JSON, NDJSON, CSV, ARROW)


class SqlAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A statement as a parameter."""

    query: _Statement
    """ClickHouse's SQL: SELECT, WITH, SHOW, DESCRIBE, EXPLAIN or EXISTS."""


class SqlSent(Struct, frozen=True, forbid_unknown_fields=True):
    """A statement, and values for its `{name:Type}`."""

    query: _Statement
    params: dict[str, str] = {}


async def asked_sql(call: Call) -> Response:
    """Answer a statement that only reads; limits on time, rows and memory are those of [store.limits]."""
    return await _answer(call, call.asked.query, {})


async def sent_sql(call: Call) -> Response:
    """Answer a statement that only reads, with bound parameters."""
    return await _answer(call, call.body.query, call.body.params)


async def _answer(call: Call, query: str, params: dict[str, str]) -> Response:
    form = wanted_form(call.request.headers.get("accept", ""), _FORMS)
    table = await call.parts[Across].query(query, params)
    return Response(await asyncio.to_thread(_encoded, form, table), media_type=form)


def _encoded(form: str, table: Any) -> bytes:
    if form == ARROW:
        return table_bytes(table)
    if form == CSV:
        return csv_bytes(table.schema.names, rows_of(table))
    rows = [{name: _json_value(value) for name, value in row.items()} for row in readable(table)]
    encoder = msgspec.json.Encoder(enc_hook=str)
    return encoder.encode({"rows": rows}) if form == JSON else encoder.encode_lines(rows)


def _json_value(value: Any) -> Any:
    """Return integers that JSON's readers would round as text."""
    is_wide = isinstance(value, int) and not -(1 << 63) <= value < 1 << 64
    return str(value) if is_wide else value


class SqlAnswer(Struct, frozen=True):
    """The rows, by column."""

    rows: list[dict[str, Any]]


ROUTES = (
    Route(
        path="/sql",
        answer=asked_sql,
        role=Role.ANALYST,
        asked=SqlAsked,
        tells=SqlAnswer,
        media_types=_FORMS,
        example={"query": "SELECT count() AS rows FROM swap"},
    ),
    Route(
        path="/sql",
        answer=sent_sql,
        method="POST",
        role=Role.ANALYST,
        body=SqlSent,
        tells=SqlAnswer,
        media_types=_FORMS,
    ),
)
