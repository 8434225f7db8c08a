"""Run a real server that speaks S3's protocol, or Google Cloud Storage's, in a temporary folder."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from .programs import accepts, free_port, need_program, served

BUCKET = "exports"


@asynccontextmanager
async def s3_server() -> AsyncIterator[dict[str, str]]:
    """Yield the environment that leads to a server with an empty bucket."""
    port = free_port()
    program = need_program("gofakes3", "gofakes3")
    arguments = [program, "-backend", "memory", "-host", f"127.0.0.1:{port}", "-initialbucket", BUCKET]
    async with served(arguments, lambda: accepts(port)):
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "someone",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "eu-central-1",
        }


@asynccontextmanager
async def gcs_server(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Yield the environment that leads to a server with an empty bucket."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = need_program("fake-gcs-server", "fake-gcs-server")
    arguments = [program, "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
    async with served([*arguments, "-public-host", f"127.0.0.1:{port}"], lambda: accepts(port)):
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{url}/storage/v1/b?project=tidemill", json={"name": BUCKET}) as answer,
        ):
            assert answer.status == 200, await answer.text()
        account = {
            "gcs_base_url": url,
            "disable_oauth": True,
            "client_email": "",
            "private_key": "",
            "private_key_id": "",
        }
        path = folder / "account.json"
        await asyncio.to_thread(path.write_text, json.dumps(account))
        yield {"GOOGLE_SERVICE_ACCOUNT": str(path)}
