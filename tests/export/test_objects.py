"""Exports to a real server of the protocol that S3 and Google Cloud Storage speak."""

import asyncio

import obstore
import pytest
from obstore.store import from_url
from tests.servers.objects import BUCKET, object_server
from tests.servers.programs import free_port

from tidemill.export.manifest import FILE_NAME
from tidemill.export.request import ExportRequest
from tidemill.export.running import run_export
from tidemill.export.targets import target_of
from tidemill.export.verifying import verify
from tidemill.schema.faults import Refused, Unreachable

from .conftest import numbers

ASKED = ExportRequest(format="ndjson", table="swap", partition_by="date", rows_a_file=30)


@pytest.fixture(params=["s3", "gs"])
async def bucket(request, tmp_path, monkeypatch):
    """Yield the URL of an empty bucket that the environment leads to."""
    async with object_server(tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield f"{request.param}://{BUCKET}"


async def fetched(url, folder):
    """Copy all objects below a URL into a folder."""
    store = from_url(url, client_options={"allow_http": True})
    for batch in await asyncio.to_thread(lambda: list(obstore.list(store))):
        for found in batch:
            path = folder / found["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(await (await obstore.get_async(store, found["path"])).bytes_async()))
    return folder


async def test_what_is_fetched_back_is_as_its_manifest_says(world, maker, bucket, tmp_path):
    await world.swaps(0, 100)
    url = f"{bucket}/some/where"
    target = target_of(url, tmp_path / "scratch")
    await run_export(world.store, ASKED, target, maker)
    back = await fetched(url, tmp_path / "back")
    assert numbers(back) == [*range(100)]
    assert verify(back).differences == []
    assert not list((tmp_path / "scratch").iterdir())
    with pytest.raises(Refused, match="expected nothing at"):
        await run_export(world.store, ASKED, target, maker)


async def test_only_runs_with_a_manifest_count(world, maker, bucket, tmp_path):
    url = f"{bucket}/runs"
    target = target_of(url, tmp_path / "scratch")
    asked = ExportRequest(format="ndjson", table="swap", is_incremental=True)
    await world.swaps(0, 10)
    await run_export(world.store, asked, target, maker)
    await world.swaps(10, 20)
    await run_export(world.store, asked, target, maker)
    # as if the second one had been interrupted before its end
    await obstore.delete_async(from_url(url, client_options={"allow_http": True}), f"run-00002/{FILE_NAME}")
    await world.swaps(20, 30)
    await run_export(world.store, asked, target, maker)
    back = await fetched(url, tmp_path / "back")
    assert numbers(back) == [*range(30)]
    assert verify(back).differences == []


async def test_a_large_file_is_one_object(world, maker, bucket, tmp_path):
    await world.swaps(0, 30_000)
    url = f"{bucket}/large"
    asked = ExportRequest(format="ndjson", table="swap")
    manifest = await run_export(world.store, asked, target_of(url, tmp_path / "scratch"), maker)
    assert manifest.files[0].bytes > 8 << 20, "it is sent in pieces"
    assert verify(await fetched(url, tmp_path / "back")).differences == []


async def test_a_bucket_that_is_not_there_is_refused(world, maker, bucket, tmp_path):
    scheme = bucket.partition("://")[0]
    with pytest.raises(Refused):
        await run_export(world.store, ASKED, target_of(f"{scheme}://nowhere-at-all", tmp_path), maker)


async def test_a_server_that_is_away_is_unreachable(world, maker, tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_RETRIES", "0")
    with pytest.raises(Unreachable):
        async with asyncio.timeout(60):
            await run_export(world.store, ASKED, target_of(f"s3://{BUCKET}/x", tmp_path), maker)
