"""Run a real PostgreSQL, Redis, VictoriaMetrics or InfluxDB in a temporary folder, for one test or many."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp

from .programs import Served, accepts, free_port, need_program, served

PASSWORD = "correct-horse"


class Running:
    """A server that runs, and where."""

    def __init__(self, server: Served, port: int) -> None:
        self.server = server
        self.port = port


class Postgresql(Running):
    """A PostgreSQL server with the user `trader`, who needs the password, and databases that tests make."""

    def __init__(self, server: Served, port: int, binaries: Path) -> None:
        super().__init__(server, port)
        self._binaries = binaries

    def url(self, database: str, password: str = PASSWORD) -> str:
        return f"postgresql://trader:{password}@127.0.0.1:{self.port}/{database}"

    def make_database(self, name: str) -> str:
        """Make an empty database; return its URL."""
        subprocess.run(
            [self._binaries / "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "trader", name],
            env={**os.environ, "PGPASSWORD": PASSWORD},
            check=True,
            timeout=30,
        )
        return self.url(name)


@contextmanager
def _folder(user: str | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tidemill-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        yield folder
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def postgresql() -> AsyncIterator[Postgresql]:
    """Run PostgreSQL while the context is open; it refuses root, who runs it as nobody."""
    binaries = need_program("postgresql", "postgres").parent
    user = "nobody" if os.geteuid() == 0 else None
    with _folder(user) as folder:
        data, secret = folder / "data", folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        making = await asyncio.create_subprocess_exec(
            binaries / "initdb",
            *("-D", data, "-U", "trader", "-A", "scram-sha-256", f"--pwfile={secret}", "-N", "-E", "UTF8"),
            *("--locale=C",),
            stdout=asyncio.subprocess.DEVNULL,
            user=user,
        )
        async with asyncio.timeout(60):
            assert await making.wait() == 0
        port = free_port()
        arguments = [binaries / "postgres", "-D", data, "-p", str(port), "-k", folder, "-F"]
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=40"]

        async def is_ready() -> bool:
            asked = await asyncio.create_subprocess_exec(
                binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)
            )
            return await asked.wait() == 0

        # asked by SIGTERM it would wait for its clients to leave
        async with served([*arguments, *settings], is_ready, user, signal.SIGINT) as server:
            yield Postgresql(server, port, binaries)


@asynccontextmanager
async def redis_server(*settings: str) -> AsyncIterator[Running]:
    """Run Redis, which keeps nothing on disk, while the context is open."""
    program = need_program("redis-server", "redis-server")
    port = free_port()
    with _folder(None) as folder:
        arguments = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
        async with served([program, *arguments, *settings], lambda: accepts(port)) as server:
            yield Running(server, port)


@asynccontextmanager
async def victoria_metrics() -> AsyncIterator[Running]:
    """Run VictoriaMetrics, which takes InfluxDB's v2 writes, while the context is open."""
    program = need_program("victoria-metrics", "victoria-metrics")
    port = free_port()
    with _folder(None) as folder:
        arguments = [
            f"-httpListenAddr=127.0.0.1:{port}",
            f"-storageDataPath={folder}",
            "-retentionPeriod=100y",
        ]
        async with served(
            [program, *arguments], lambda: _answers(f"http://127.0.0.1:{port}/health")
        ) as server:
            yield Running(server, port)


@asynccontextmanager
async def influxdb() -> AsyncIterator[Running]:
    """Run InfluxDB 1.6, whose own parser reads line protocol, while the context is open."""
    program = need_program("influxdb", "influxd")
    port, control = free_port(), free_port()
    with _folder(None) as folder:
        config = folder / "influxdb.conf"
        config.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{control}"\n'
            f'[meta]\ndir = "{folder}/meta"\n[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
            f'[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n'
            "[monitor]\nstore-enabled = false\n"
        )
        async with served(
            [program, "-config", config], lambda: _answers(f"http://127.0.0.1:{port}/ping")
        ) as server:
            yield Running(server, port)


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status < 300
    except (aiohttp.ClientError, OSError):
        return False
