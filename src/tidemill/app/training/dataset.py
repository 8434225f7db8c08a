"""`tidemill dataset` and `verify-dataset`: make a dataset of stored rows, and prove that it is one."""

import asyncio
import hashlib
from collections import Counter
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
import pyarrow as pa
from pyarrow.lib import ArrowInvalid

from tidemill.app.reading import reading
from tidemill.app.settings import Environment
from tidemill.app.training.exported import reading_export
from tidemill.learn.datasets.dataset import (
    Description,
    Recipe,
    content,
    difference,
    made,
    prepared,
    statement,
)
from tidemill.learn.datasets.fitted import Fitted
from tidemill.learn.json_files import read_json, to_json, write_file
from tidemill.schema.faults import Malformed, Refused
from tidemill.store.coverage import Readable

ROWS, DESCRIPTION = "dataset.arrow", "dataset.json"


def make(
    environment: Environment, recipe: Recipe, folder: Path, *, export: Path | None, is_json: bool
) -> int:
    """Make a dataset in `folder`; return the exit code. Raises: Malformed, Refused."""
    description = asyncio.run(_made(environment, recipe, folder, export))
    told = ", ".join(f"{part} {rows}" for part, rows in description.parts.items())
    text = f"{folder / ROWS}: {description.rows} rows ({told}); {DESCRIPTION} has its recipe"
    print(msgspec.json.encode(description).decode() if is_json else text)
    return 0


def verify(environment: Environment, folder: Path, *, export: Path | None) -> int:
    """Rebuild a dataset and compare; return the exit code. Raises: Malformed, Refused."""
    wrong = asyncio.run(_verified(environment, folder, export))
    giver = "export" if export else "store"
    print(f"{folder / ROWS}: {wrong or f'the same as the {giver} gives, to the byte'}")
    return 1 if wrong else 0


async def write_dataset(store: Readable, recipe: Recipe, folder: Path) -> Description:
    """Write a dataset and its description. Raises: Refused."""
    table, fitted = await _rebuilt(store, recipe)
    rows = content(table)
    parts = Counter(str(part or "none") for part in table["part"].to_pylist())
    description = Description(
        recipe=recipe,
        rows=table.num_rows,
        parts=dict(sorted(parts.items())),
        sha256=hashlib.sha256(rows).hexdigest(),
        fitted=fitted,
    )
    write_file(folder / ROWS, rows)
    write_file(folder / DESCRIPTION, to_json(description))
    return description


async def first_difference(store: Readable, folder: Path) -> str | None:
    """Return in what a dataset's file differs from what the store gives; None where no byte does.

    Raises: Malformed, where the files are none of ours; Refused, where there are none.
    """
    for name in (DESCRIPTION, ROWS):
        if not (folder / name).exists():
            raise Refused(f"{folder / name}: expected a dataset, found none; `tidemill dataset` makes one")
    rows = (folder / ROWS).read_bytes()
    rebuilt, _ = await _rebuilt(store, read_json(folder / DESCRIPTION, Description).recipe)
    if rows == content(rebuilt):
        return None
    try:
        kept = pa.ipc.open_file(pa.BufferReader(rows)).read_all()
    except (ArrowInvalid, OSError) as fault:
        raise Malformed(f"{folder / ROWS}: expected an Arrow file: {fault}") from None
    return difference(kept, rebuilt) or "other bytes of the same rows"


async def _rebuilt(store: Readable, recipe: Recipe) -> tuple[pa.Table, Fitted | None]:
    rows = await store.query(statement(recipe))
    if rows.num_rows == 0:
        raise Refused(f"{recipe.table}: expected rows in that time, found none")
    return prepared(recipe, made(recipe, rows))


def _rows_of(
    environment: Environment, asker: str, export: Path | None
) -> AbstractAsyncContextManager[Readable]:
    return reading(environment, asker) if export is None else reading_export(export)


async def _made(environment: Environment, recipe: Recipe, folder: Path, export: Path | None) -> Description:
    async with _rows_of(environment, "dataset", export) as store:
        return await write_dataset(store, recipe, folder)


async def _verified(environment: Environment, folder: Path, export: Path | None) -> str | None:
    async with _rows_of(environment, "verify-dataset", export) as store:
        return await first_difference(store, folder)
