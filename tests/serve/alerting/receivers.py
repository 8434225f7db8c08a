"""Who is told of alerts, as real servers on this machine."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web
from aiosmtpd.smtp import SMTP
from tests.servers.loopback import loopback


class Got(NamedTuple):
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers with `statuses` first, in their order, then with 200."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.statuses: list[int] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(request.path, headers, await request.read()))
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, text="ok" if status == 200 else "no_service")


@asynccontextmanager
async def receiving():
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.answer)
    async with loopback(app) as place:
        receiver.url = f"http://{place}"
        yield receiver


class Mailbox:
    """Takes mail, as aiosmtpd calls its handler; answers `replies` first."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.replies: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.replies:
            return self.replies.pop(0)
        self.mails.append(envelope)
        return "250 taken"


@asynccontextmanager
async def mailing():
    """Yield a mail server's mailbox and port; it offers no encryption."""
    mailbox = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mailbox), "127.0.0.1", 0)
    async with server:
        yield mailbox, server.sockets[0].getsockname()[1]
