"""Which blocks of a cluster come next, and which are missing: each names the slot of the one before."""

from typing import NamedTuple

from tidemill.chains.solana.frames import SlotBlock
from tidemill.schema.faults import Unsafe


class Missing(NamedTuple):
    """Slots in which at least one block is that was not told."""

    first_slot: int
    last_slot: int
    """It has a block: the next one known says so."""


class SlotLine:
    """Puts blocks in their order, from the one of `last_slot` on; None: it begins with what comes first."""

    def __init__(self, last_slot: int | None) -> None:
        self.last_slot = last_slot
        self._held: dict[int, SlotBlock] = {}
        self._is_cut = False
        """Whether what the next block follows may be among those that cannot be had."""

    def take(self, block: SlotBlock) -> list[SlotBlock]:
        """Return the blocks that follow the last one now, in order; what comes twice is left out.

        Raises: Unsafe, where the block follows one that is not of the line: what was final is not any more.
        """
        if self.last_slot is None:
            self.last_slot = block.parent_slot
        if block.slot <= self.last_slot:
            return []
        self._held[block.slot] = block
        return self._ready()

    def _ready(self) -> list[SlotBlock]:
        assert self.last_slot is not None, "a line that holds a block has begun"
        ready: list[SlotBlock] = []
        while self._held:
            lowest = self._held[min(self._held)]
            if lowest.parent_slot > self.last_slot:
                break
            if lowest.parent_slot < self.last_slot and not self._is_cut:
                raise Unsafe(
                    f"slot {lowest.slot}: expected a block that follows slot {self.last_slot}, found one that"
                    f" follows {lowest.parent_slot}"
                )
            self._is_cut = False
            ready.append(self._held.pop(lowest.slot))
            self.last_slot = lowest.slot
        return ready

    @property
    def missing(self) -> Missing | None:
        """What has to be asked for before anything can go on."""
        if not self._held or self.last_slot is None:
            return None
        return Missing(self.last_slot + 1, self._held[min(self._held)].parent_slot)

    def skip_to(self, slot: int) -> list[SlotBlock]:
        """Go on after `slot`, where blocks up to it cannot be had; return those that follow now, in order."""
        assert self.last_slot is not None, "a line that has not begun misses nothing"
        if slot > self.last_slot:
            self.last_slot, self._is_cut = slot, True
            self._held = {at: block for at, block in self._held.items() if at > slot}
        return self._ready()
