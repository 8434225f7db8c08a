"""Where exports go: a folder, an archive of one file, or an object store."""

from pathlib import Path

from tidemill.export.targets.archive import SUFFIXES, ArchiveTarget
from tidemill.export.targets.base import Place, Target
from tidemill.export.targets.folder import FolderTarget
from tidemill.export.targets.objects import SCHEMES, ObjectTarget
from tidemill.schema.faults import Refused

__all__ = ["Place", "Target", "target_of"]


def target_of(to: str, scratch: Path) -> Target:
    """Return the target that `to` names: `s3://…`, `gs://…`, an archive by its suffix, or else a folder.

    What is not whole yet is kept beside a folder or archive, and for object stores in the folder `scratch`.

    Raises: Refused, where it is a URL of another scheme.
    """
    scheme, separator, rest = to.partition("://")
    if separator and scheme in SCHEMES:
        return ObjectTarget(to, scratch)
    if separator and scheme != "file":
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise Refused(f"to: expected a folder, an archive or one of {known}, found {scheme}://")
    path = Path(rest if separator else to).absolute()
    return ArchiveTarget(path) if path.name.endswith(SUFFIXES) else FolderTarget(path)
