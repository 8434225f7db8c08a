"""Ask an export what a store is asked: its rows, and no other, in a store that ends with the asking."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.dataset as ds

from tidemill.export.manifest import FILE_NAME, Manifest, decode
from tidemill.export.verifying import verify
from tidemill.schema.faults import Malformed, Refused
from tidemill.store import StoreSettings, open_store
from tidemill.store.coverage import Readable

_KINDS = {"arrow": "ipc", "parquet": "parquet"}
"""The formats that keep the event's own types, as PyArrow calls them."""


@asynccontextmanager
async def reading_export(folder: Path) -> AsyncIterator[Readable]:
    """Yield a store with the rows of an export, all runs of an incremental one; `tidemill.export` wrote it.

    Raises: Refused, where it is no export of Arrow or Parquet in a folder; Malformed, where its files differ
    from its manifest, or rows of it were withdrawn since.
    """
    manifests = _manifests(folder)
    with TemporaryDirectory(prefix="tidemill-export-") as scratch:
        async with open_store(f"chdb://{scratch}/store", StoreSettings()) as store:
            await store.migrate()
            for run, manifest in manifests:
                for number, batch in enumerate(_batches(run, manifest)):
                    await store.insert(manifest.request.table, [batch], f"{run.name}-{number}")
            yield store


def _manifests(folder: Path) -> list[tuple[Path, Manifest]]:
    if not folder.is_dir():
        raise Refused(f"{folder}: expected the folder of an export, found none")
    wrong = verify(folder).differences
    if wrong:
        raise Malformed(f"{folder}: expected the files of its manifest: {wrong[0]}")
    found = sorted(folder.rglob(FILE_NAME))
    return [(path.parent, decode(path.read_bytes(), str(path))) for path in found]


def _batches(folder: Path, manifest: Manifest) -> Iterator[pa.RecordBatch]:
    kind = _KINDS.get(manifest.request.format)
    if kind is None:
        raise Refused(
            f"{folder}: expected an export as {' or '.join(_KINDS)}, whose types are the events' own, "
            f"found {manifest.request.format}"
        )
    if manifest.withdrawn_rows:
        raise Refused(
            f"{folder}: expected rows that still hold, {manifest.withdrawn_rows} of the runs before it were "
            "withdrawn since; export anew, not incrementally"
        )
    files = [str(folder / entry.name) for entry in manifest.files]
    if files:
        yield from ds.dataset(files, format=kind).to_batches()
