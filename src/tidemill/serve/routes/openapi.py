"""What is told of the routes themselves: their OpenAPI schema, and a page of it."""

from starlette.responses import HTMLResponse, Response

from tidemill.serve.openapi import Described
from tidemill.serve.route import Call, Route

_HTML = ("text/html",)


async def schema(call: Call) -> Response:
    """Return the schema of all routes, OpenAPI 3.1."""
    return Response(call.parts[Described].schema, media_type="application/json")


async def page(call: Call) -> Response:
    """Return a page of all routes, with examples that can be tried."""
    return HTMLResponse(call.parts[Described].page)


ROUTES = (
    Route(path="/openapi.json", answer=schema, role=None),
    Route(path="/docs", answer=page, role=None, tells=str, media_types=_HTML),
)
