"""The page in a browser: one HTML file and what it loads, as `web/` was built into this package."""

import gzip
from functools import lru_cache
from hashlib import blake2b
from mimetypes import guess_type
from pathlib import Path

from msgspec import Struct
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response

from tidemill.schema.faults import Unknown
from tidemill.serve.route import Call, Route

FOLDER = Path(__file__).parents[1] / "page"
"""Where the build is put; git does not keep it, the wheel has it."""
_HOW_TO_BUILD = (
    "The page was not built. From the sources of tidemill: `make .make/page`, which needs npm; then load this"
    " again.\nThe routes of the data API are at /docs.\n"
)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing inline, nothing from elsewhere: text that others chose cannot run."""
_FOREVER = "public, max-age=31536000, immutable"
_HTML = ("text/html", "text/plain")


class AssetAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which file of the page."""

    name: str
    """It has a digest of the content in it, so that it never changes."""


async def index(call: Call) -> Response:
    """Return the page: everything that is stored and streamed, to look at."""
    file = FOLDER / "index.html"
    if not file.is_file():
        return PlainTextResponse(_HOW_TO_BUILD)
    content = file.read_bytes()
    tag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
    headers = {
        "Content-Security-Policy": _POLICY,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
        "ETag": tag,
    }
    if call.request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="text/html")


async def asset(call: Call) -> Response:
    """Return a file that the page loads; it may be kept for ever."""
    name: str = call.asked.name
    known = [one.name for one in (FOLDER / "assets").glob("*")]
    if name not in known:
        raise Unknown(f"assets: expected a file of the page, found {name[:80]!r}; load the page again")
    packed, content = _read(FOLDER / "assets" / name)
    is_packed = _takes_gzip(call.request)
    headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    media_type = guess_type(name)[0] or "application/octet-stream"
    return Response(packed if is_packed else content, headers=headers, media_type=media_type)


@lru_cache(maxsize=32)
def _read(file: Path) -> tuple[bytes, bytes]:
    """Return the file's content, packed and plain."""
    content = file.read_bytes()
    return gzip.compress(content, mtime=0), content


def _takes_gzip(request: HTTPConnection) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


ROUTES = (
    Route(path="/", answer=index, role=None, tells=str, media_types=_HTML),
    Route(
        path="/assets/{name}",
        answer=asset,
        role=None,
        asked=AssetAsked,
        tells=str,
        media_types=("text/javascript", "text/css", "image/svg+xml"),
    ),
)
