"""ClickHouse's HTTP interface over the embedded engine, in a process of its own, for no registry here has a
server of today. `python -m tests.servers.clickhouse FOLDER [PORT]` prints its port and serves until its input
ends.

It has one user, `trader`, and takes what https://clickhouse.com/docs/interfaces/http says of: a statement as
`query` or as the body, data after `INSERT … FORMAT …`, `database`, `param_*`, settings, `default_format`; all
of them in a form, too. An error is a status, `X-ClickHouse-Exception-Code` and the engine's words. It has no
compression, no sessions, no progress in headers, no other users.
"""

import asyncio
import base64
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from aiohttp import web

from tidemill.store.chdb_library import Session

USER, PASSWORD = "trader", "correct:horse/battery@staple"
_ALLOWED = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
_INSERT = re.compile(rb"\s*INSERT\s+INTO\s+(.+?)\s*\(([^()]*)\)\s*FORMAT\s+(\w+)\s*?\n?", re.IGNORECASE)
_TRANSPORT = {
    *("query", "database", "default_format", "query_id", "wait_end_of_query", "compress", "decompress"),
    *("client_protocol_version", "enable_http_compression", "send_progress_in_http_headers", "session_id"),
}


class Server:
    """The engine over a folder, and what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept = Session(str(folder))
        self._threads = ThreadPoolExecutor(8)

    def connect(self) -> Session:
        return Session(str(self._folder))

    def answer(self, asked: dict[str, str], body: bytes) -> tuple[bytes, str]:
        """Run what a request asks for; return the answer and its format."""
        statement = asked.get("query", "").encode()
        statement = statement + b"\n" + body if statement else body
        with closing(self.connect()) as connection:
            if "database" in asked:
                connection.query(f"USE `{asked['database']}`")
            settings = {name: value for name, value in asked.items() if _is_setting(name)}
            read_only = settings.pop("readonly", None)
            for name, value in settings.items():
                connection.query(f"SET {name} = '{value}'")
            if read_only is not None:
                connection.query(f"SET readonly = {int(read_only)}")
            found = _INSERT.match(statement)
            if found:
                self._insert(connection, found, statement[found.end() :])
                return b"", ""
            how = asked.get("default_format", "TabSeparated")
            params = {
                name.removeprefix("param_"): value
                for name, value in asked.items()
                if name.startswith("param_")
            }
            return connection.query(statement.decode(), how, params=params).bytes(), how

    def _insert(self, connection: Session, found: re.Match[bytes], data: bytes) -> None:
        table, names, how = (part.decode() for part in found.groups())
        described = connection.query(f"DESCRIBE TABLE {table}", "TabSeparatedRaw").bytes().decode()
        types = dict(line.split("\t")[:2] for line in described.splitlines())
        structure = ", ".join(f"{name} {types[name.strip(' `')]}" for name in names.split(","))
        quoted = structure.replace("\\", "\\\\").replace("'", "\\'")
        with os.fdopen(os.memfd_create("insert", os.MFD_CLOEXEC), "w+b") as file:
            file.write(data)
            file.flush()
            source = f"file('/dev/fd/{file.fileno()}', '{how}', '{quoted}')"
            connection.query(f"INSERT INTO {table} ({names}) SELECT {names} FROM {source}")

    async def serve(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != _ALLOWED:
            return _failed(403, "Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)")
        asked, body = dict(request.query), b""
        if request.content_type == "multipart/form-data":  # long parameters, and the statement beside them
            asked |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        else:
            body = await request.read()
        loop = asyncio.get_running_loop()
        try:
            answer, how = await loop.run_in_executor(self._threads, self.answer, asked, body)
        except Exception as error:
            return _failed(500, str(error))
        headers = {"X-ClickHouse-Summary": "{}", **({"X-ClickHouse-Format": how} if how else {})}
        return web.Response(body=answer, headers=headers)


def _is_setting(name: str) -> bool:
    return name not in _TRANSPORT and not name.startswith("param_")


def _failed(status: int, words: str) -> web.Response:
    found = re.search(r"Code: (\d+)", words)
    headers = {"X-ClickHouse-Exception-Code": found.group(1) if found else "1002"}
    return web.Response(status=status, text=words, headers=headers)


async def main(folder: Path, port: int) -> None:
    server = Server(folder)
    application = web.Application(client_max_size=1 << 30)
    application.router.add_get("/ping", lambda _: web.Response(text="Ok.\n"))
    application.router.add_route("*", "/", server.serve)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until who started it ends
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
