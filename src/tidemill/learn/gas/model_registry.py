"""Which versions of a forecaster were made, which one is used, and how an earlier one comes back."""

import hashlib
import shutil
from enum import StrEnum
from pathlib import Path

from msgspec import Struct, structs

from tidemill.learn.gas.model_files import METADATA, MODELS, SCALER, Metadata
from tidemill.learn.json_files import read_json, to_json, write_file
from tidemill.schema.faults import Refused

REGISTRY, VERSIONS = "registry.json", "versions"
_FILES = (SCALER, *MODELS.values(), METADATA)
"""Of a version; the description last, which names the others by their hashes."""


class Standing(StrEnum):
    """What a version is."""

    CHAMPION = "champion"
    """It is used."""
    RETIRED = "retired"
    """It was, until a better one came."""
    ROLLED_BACK = "rolled_back"
    """It was, until somebody went back to the one before."""


class Version(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A forecaster that was used."""

    number: int
    standing: Standing
    first_ns: int
    end_ns: int
    """Of the data that it was trained on."""
    chosen: str
    """The predictor that tells."""
    why: str
    """Why it came to be used."""
    sha256: str
    """Of its description, which has those of its other files."""


class Registry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a chain's versions, the oldest first."""

    versions: list[Version]

    def __post_init__(self) -> None:
        """Raises: ValueError, which reading JSON makes Malformed."""
        champions = sum(one.standing is Standing.CHAMPION for one in self.versions)
        if champions != 1:
            raise ValueError(f"expected one champion, found {champions}")

    @property
    def champion(self) -> Version:
        """Return the one that is used."""
        return next(one for one in self.versions if one.standing is Standing.CHAMPION)


def read_registry(folder: Path) -> Registry | None:
    """Return the versions of a folder's forecaster; None where none was kept. Raises: Malformed."""
    path = folder / REGISTRY
    return read_json(path, Registry) if path.exists() else None


def adopt(folder: Path, why: str) -> Registry:
    """Keep what lies in `folder` as the newest version, the champion; nothing changes where it is that."""
    content = (folder / METADATA).read_bytes()
    sha256, metadata = hashlib.sha256(content).hexdigest(), read_json(folder / METADATA, Metadata)
    kept = read_registry(folder)
    versions = kept.versions if kept else []
    if kept and kept.champion.sha256 == sha256:
        return kept
    number = len(versions) + 1
    _copy(folder, folder / VERSIONS / f"{number:04}")
    made = Version(
        number=number,
        standing=Standing.CHAMPION,
        first_ns=metadata.first_ns,
        end_ns=metadata.end_ns,
        chosen=metadata.chosen,
        why=why,
        sha256=sha256,
    )
    return _written(folder, [*(_without_crown(one, Standing.RETIRED) for one in versions), made])


def roll_back(folder: Path) -> Registry:
    """Use the version again that was before the champion. Raises: Refused, where there is none; Malformed."""
    kept = read_registry(folder)
    retired = [one for one in kept.versions if one.standing is Standing.RETIRED] if kept else []
    if kept is None or not retired:
        raise Refused(f"{folder}: expected a version before the one that is used, found none")
    earlier = retired[-1]
    _copy(folder / VERSIONS / f"{earlier.number:04}", folder)
    return _written(
        folder,
        [
            structs.replace(one, standing=Standing.CHAMPION)
            if one is earlier
            else _without_crown(one, Standing.ROLLED_BACK)
            for one in kept.versions
        ],
    )


def _without_crown(one: Version, standing: Standing) -> Version:
    return structs.replace(one, standing=standing) if one.standing is Standing.CHAMPION else one


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        new = target / f".{name}.new"
        shutil.copyfile(source / name, new)
        new.replace(target / name)


def _written(folder: Path, versions: list[Version]) -> Registry:
    made = Registry(versions=versions)
    write_file(folder / REGISTRY, to_json(made))
    return made
