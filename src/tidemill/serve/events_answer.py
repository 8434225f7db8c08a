"""Answer a request for events: with the newest that the bus had, or by a query, in the form wanted."""

import asyncio
from http import HTTPStatus

import pyarrow as pa
from starlette.responses import Response

from tidemill.schema.faults import Refused
from tidemill.serve.across import Across
from tidemill.serve.covered import HEADER, CoverageBoard
from tidemill.serve.cursor import cursor_after
from tidemill.serve.events_asked import EventsAsked, fields_of, page_of
from tidemill.serve.forms import FORMS, Rows, wanted_form
from tidemill.serve.hub import Hub
from tidemill.serve.kept import Body, Kept
from tidemill.serve.route import Call
from tidemill.store.coverage import coverage_of, level_of, require_complete

NEXT_HEADER = "X-Next-Cursor"
_AT_ONCE_VALUES = 5_000
"""More values are encoded in a thread: this takes 1 ms."""
_PLAIN = ("cursor", "start", "end", "where", "require")


async def events_answer(tag: str, call: Call) -> Response:
    """Answer with a page of events of `tag`. Raises: Refused; Gap, where what is required is missing."""
    asked: EventsAsked = call.asked
    form = wanted_form(call.request.headers.get("accept", ""))
    if asked.require is not None:
        await _require(call, asked.require)
    fields = fields_of(tag, asked.fields)
    body = _newest(tag, call, form, fields)
    if body is None:
        page = page_of(tag, asked, fields)
        table = await call.parts[Across].page(tag, page)
        body = await _body(tag, form, table, asked, fields)
    headers = {
        "ETag": body.etag,
        "Vary": "Accept",
        "Cache-Control": "no-cache",
        HEADER: await call.parts[CoverageBoard].header(),
    }
    if body.next is not None:
        headers[NEXT_HEADER] = body.next
    if body.etag in call.request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body.content, headers=headers, media_type=form)


async def _require(call: Call, requirement: str) -> None:
    try:
        level = level_of(requirement, "require")
    except ValueError as wrong:
        raise Refused(str(wrong)) from None
    require_complete(await coverage_of(call.parts[Across], level=level))


def _newest(tag: str, call: Call, form: str, fields: tuple[str, ...] | None) -> Body | None:
    """Return the newest events without asking the store; None where it must be asked."""
    asked: EventsAsked = call.asked
    if asked.order != "newest" or asked.finality != "canonical" or any(getattr(asked, one) for one in _PLAIN):
        return None
    own = EventsAsked.__struct_fields__
    if any(getattr(asked, name) for name in asked.__struct_fields__ if name not in own):
        return None
    hub, kept = call.parts[Hub], call.parts[Kept]
    key = (tag, form, asked.limit, fields)
    version = hub.newest[tag].version
    body = kept.get(key, version)
    if body is None:
        rows = hub.newest[tag].rows(asked.limit + 1, hub.reverted)
        if rows is None:
            return None
        body = _encoded(tag, form, rows, asked, fields)
        kept.keep(key, version, body)
    return body


async def _body(
    tag: str, form: str, table: pa.Table, asked: EventsAsked, fields: tuple[str, ...] | None
) -> Body:
    if table.num_rows * table.num_columns <= _AT_ONCE_VALUES:
        return _encoded(tag, form, table, asked, fields)
    return await asyncio.to_thread(_encoded, tag, form, table, asked, fields)


def _encoded(
    tag: str, form: str, table: pa.Table, asked: EventsAsked, fields: tuple[str, ...] | None
) -> Body:
    has_more = table.num_rows > asked.limit
    table = table.slice(0, asked.limit)
    cursor = cursor_after(tag, table, newest_first=asked.order == "newest") if has_more else None
    shown = table if fields is None else table.select(list(fields))
    return Body.of(FORMS[form](Rows(tag, shown, cursor)), cursor)
