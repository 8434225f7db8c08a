"""Run a real server of S3's protocol, which is also that of Google Cloud Storage's XML API, for `gs://`."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from .programs import accepts, free_port, need_program, served

BUCKET = "exports"


@asynccontextmanager
async def object_server(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Yield the environment by which both `s3://` and `gs://` lead to a server with an empty bucket."""
    port = free_port()
    program = need_program("gofakes3", "gofakes3")
    arguments = [program, "-backend", "memory", "-host", f"127.0.0.1:{port}", "-initialbucket", BUCKET]
    url = f"http://127.0.0.1:{port}"
    account = {"gcs_base_url": url, "disable_oauth": True} | dict.fromkeys(
        ("client_email", "private_key", "private_key_id"), ""
    )
    path = folder / "account.json"
    await asyncio.to_thread(path.write_text, json.dumps(account))
    async with served(arguments, lambda: accepts(port)):
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "someone",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "eu-central-1",
            "GOOGLE_SERVICE_ACCOUNT": str(path),
        }
