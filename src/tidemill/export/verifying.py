"""Say how an export differs from its manifest, with nothing but its files."""

import hashlib
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from typing_extensions import override

from tidemill.export.manifest import FILE_NAME, Manifest, decode, schema_digest, signature_fault
from tidemill.export.targets.archive import SUFFIXES
from tidemill.export.targets.base import is_run, number_of
from tidemill.schema.faults import Malformed, Refused


class Verified(NamedTuple):
    """What was compared, and what differs."""

    manifests: int
    files: int
    rows: int
    signed: int
    """How many manifests have a signature that holds."""
    differences: list[str]


def verify(path: Path, public_pem: bytes | None = None) -> Verified:
    """Compare an export, or all runs of an incremental one, with their manifests.

    With `public_pem` each must be signed by that key.

    Raises: Refused, where there is no export at `path`, or the key is none.
    """
    if path.is_dir() and not (path / FILE_NAME).exists():
        runs = [found for found in path.iterdir() if is_run(found.name)]
        runs.sort(key=lambda run: number_of(run.name))
        if not runs:
            raise Refused(f"{path}: expected an export, with a {FILE_NAME}; one that is not whole has none")
        return _verify_runs(runs, public_pem)
    with _opened(path) as files:
        _, verified = _verify_one(files, str(path), public_pem)
    return verified


def _verify_runs(runs: list[Path], public_pem: bytes | None) -> Verified:
    whole, before = Verified(0, 0, 0, 0, []), None
    for number, run in enumerate(runs, 1):
        manifest, found = _verify_one(_Folder(run), run.name, public_pem)
        differences = [*whole.differences, *found.differences]
        if run.name != f"run-{number:05d}":
            differences.append(f"run-{number:05d}: expected it before {run.name}, it is missing")
        elif manifest is not None and before is not None and manifest.since != before.snapshot:
            differences.append(f"{run.name}: expected it to go on where the run before it ends, it does not")
        whole = Verified(
            manifests=whole.manifests + found.manifests,
            files=whole.files + found.files,
            rows=whole.rows + found.rows,
            signed=whole.signed + found.signed,
            differences=differences,
        )
        before = manifest
    return whole


def _verify_one(files: "_Files", where: str, public_pem: bytes | None) -> tuple[Manifest | None, Verified]:
    try:
        manifest = decode(files.read(FILE_NAME), f"{where}/{FILE_NAME}")
    except KeyError:
        return None, Verified(0, 0, 0, 0, [f"{where}/{FILE_NAME}: expected it, it is missing"])
    except Malformed as fault:
        return None, Verified(1, 0, 0, 0, [str(fault)])
    wrong = signature_fault(manifest, public_pem)
    differences = [] if wrong is None else [f"{where}/{FILE_NAME}: {wrong}"]
    if schema_digest(manifest.columns) != manifest.schema_sha256:
        differences.append(f"{where}/{FILE_NAME}: expected the digest of its columns, found another")
    if manifest.rows != sum(entry.rows for entry in manifest.files):
        differences.append(f"{where}/{FILE_NAME}: expected the rows of its files, found {manifest.rows}")
    there = files.names() - {FILE_NAME}
    for entry in manifest.files:
        if entry.name not in there:
            differences.append(f"{where}/{entry.name}: expected it, it is missing")
            continue
        size, digest = files.measure(entry.name)
        if size != entry.bytes:
            differences.append(f"{where}/{entry.name}: expected {entry.bytes} bytes, found {size}")
        elif digest != entry.sha256:
            differences.append(f"{where}/{entry.name}: expected SHA-256 {entry.sha256}, found {digest}")
    for name in sorted(there - {entry.name for entry in manifest.files}):
        differences.append(f"{where}/{name}: expected no such file")
    signed = int(manifest.signature is not None and wrong is None)
    return manifest, Verified(1, len(manifest.files), manifest.rows, signed, differences)


class _Files(ABC):
    """The files of one export, by their names in it."""

    @abstractmethod
    def names(self) -> set[str]:
        """Return all of them."""

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """Open one. Raises: KeyError, where there is none."""

    def read(self, name: str) -> bytes:
        """Return what is in it. Raises: KeyError."""
        with self.open(name) as file:
            return file.read()

    def measure(self, name: str) -> tuple[int, str]:
        """Return its size and its SHA-256."""
        with self.open(name) as file:
            digest, size = hashlib.sha256(), 0
            while piece := file.read(1 << 20):
                digest.update(piece)
                size += len(piece)
        return size, digest.hexdigest()


class _Folder(_Files):
    def __init__(self, path: Path) -> None:
        self._path = path

    @override
    def names(self) -> set[str]:
        found = (path for path in self._path.rglob("*") if path.is_file())
        return {path.relative_to(self._path).as_posix() for path in found}

    @override
    def open(self, name: str) -> IO[bytes]:
        try:
            return (self._path / name).open("rb")
        except FileNotFoundError:
            raise KeyError(name) from None


class _Zip(_Files):
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @override
    def names(self) -> set[str]:
        return set(self._archive.namelist())

    @override
    def open(self, name: str) -> IO[bytes]:
        return self._archive.open(name)


class _Tar(_Files):
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    @override
    def names(self) -> set[str]:
        return set(self._archive.getnames())

    @override
    def open(self, name: str) -> IO[bytes]:
        found = self._archive.extractfile(name)
        if found is None:
            raise KeyError(name)
        return found


@contextmanager
def _opened(path: Path) -> Iterator[_Files]:
    if path.is_dir():
        yield _Folder(path)
        return
    if not path.is_file() or not path.name.endswith(SUFFIXES):
        raise Refused(f"{path}: expected a folder, or an archive ({', '.join(SUFFIXES)}), found neither")
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                yield _Zip(archive)
        else:
            with tarfile.open(path) as packed:
                yield _Tar(packed)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise Refused(f"{path}: expected an archive, found one that cannot be read: {error}") from error
