"""How much of the machine is in use: processors, memory and disk, of this process and of all."""

from pathlib import Path

import psutil
from msgspec import Struct


class MachineState(Struct, frozen=True, kw_only=True):
    """What is in use at a moment."""

    cpu_percent: float | None
    """Of all processors, by all processes, since the reading before; None at the first."""
    process_cpu_percent: float | None
    """Of one processor, by this process: it may exceed 100."""
    process_memory_bytes: int
    """What of this process lies in memory."""
    memory_percent: float
    """Of the machine's memory, by all processes."""
    disk_percent: float
    """Of the disk of the data folder."""
    disk_free_bytes: int


class Machine:
    """Reads what is in use; one for each who asks, as it tells of the time since it was asked before."""

    def __init__(self, folder: Path) -> None:
        """Make one; `folder` says which disk."""
        self._folder = folder
        self._process = psutil.Process()
        self._was_read = False

    def read(self) -> MachineState:
        """Return what is in use now."""
        cpu, own = psutil.cpu_percent(), self._process.cpu_percent()
        was_read, self._was_read = self._was_read, True
        folder = next(one for one in (self._folder, *self._folder.parents) if one.exists())
        disk = psutil.disk_usage(str(folder))
        return MachineState(
            cpu_percent=cpu if was_read else None,
            process_cpu_percent=own if was_read else None,
            process_memory_bytes=self._process.memory_info().rss,
            memory_percent=psutil.virtual_memory().percent,
            disk_percent=disk.percent,
            disk_free_bytes=disk.free,
        )
