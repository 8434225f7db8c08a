"""An object store: objects appear when they are whole, and the manifest after all others.

Who one is there, and where it is, the environment says as it does for the clouds' own tools
(`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `GOOGLE_SERVICE_ACCOUNT` …).
Source: docs.rs/object_store, AmazonS3ConfigKey and GoogleConfigKey.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnknownConfigurationKeyError,
)
from obstore.store import ObjectStore, from_url
from typing_extensions import override

from tidemill.export.manifest import FILE_NAME, Manifest, decode
from tidemill.export.request import ExportRequest
from tidemill.export.targets.base import Place, Target, is_run, next_run
from tidemill.schema.faults import Refused, Unreachable

SCHEMES = ("s3", "gs")
_LASTING = (
    FileNotFoundError,  # of a bucket
    InvalidPathError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnknownConfigurationKeyError,
)
_REFUSED = re.compile(r"status code: 40[0134]\b")
"""What some errors say that have no class of their own, as when no such bucket is there to be listed."""
_CLIENT: Any = {"allow_http": True, "timeout": "60s"}
_RETRIES: Any = {"max_retries": 5, "retry_timeout": timedelta(seconds=30)}
_PIECE_BYTES = 8 << 20


class ObjectTarget(Target):
    """A prefix of a bucket."""

    def __init__(self, url: str, scratch: Path) -> None:
        self._url = url.rstrip("/")
        self._scratch = scratch

    @override
    async def place(self, request: ExportRequest) -> Place:
        staging = self._scratch / hashlib.sha256(self._url.encode()).hexdigest()[:16]
        async with self._opened() as store:
            if request.is_incremental:
                name, since = next_run(await _runs(store, self._url), request)
                return Place(name, staging, since)
            listed = await obstore.list_with_delimiter_async(store)
            if listed["objects"] or listed["common_prefixes"]:
                raise Refused(f"to: expected nothing at {self._url}, found objects")
        return Place("", staging, None)

    @override
    async def publish(self, place: Place, files: Path) -> None:
        members = await asyncio.to_thread(_members, files)
        async with self._opened() as store:
            for path in (*members, files / FILE_NAME):
                name = path.relative_to(files).as_posix()
                # of a larger file, the parts become an object in one step
                await obstore.put_async(
                    store, f"{place.name}/{name}" if place.name else name, path, chunk_size=_PIECE_BYTES
                )

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[ObjectStore]:
        try:
            yield from_url(self._url, client_options=_CLIENT, retry_config=_RETRIES)
        except _LASTING as error:
            raise Refused(f"{self._url}: {_first_line(error)}") from error
        except BaseError as error:
            kind = Refused if _REFUSED.search(str(error)) else Unreachable
            raise kind(f"{self._url}: {_first_line(error)}") from error


def _members(files: Path) -> list[Path]:
    return [path for path in sorted(files.rglob("*")) if path.is_file() and path.name != FILE_NAME]


async def _runs(store: ObjectStore, url: str) -> list[tuple[str, Manifest]]:
    """Return the runs that have a manifest: what has none was interrupted, and is written again."""
    listed = await obstore.list_with_delimiter_async(store)
    runs: list[tuple[str, Manifest]] = []
    for prefix in listed["common_prefixes"]:
        name = prefix.rstrip("/").rpartition("/")[2]
        if not is_run(name):
            raise Refused(f"to: expected runs of an export alone at {url}, found {name}")
        try:
            answer = await obstore.get_async(store, f"{name}/{FILE_NAME}")
        except (NotFoundError, FileNotFoundError):
            continue
        runs.append((name, decode(bytes(await answer.bytes_async()), f"{url}/{name}")))
    return runs


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
