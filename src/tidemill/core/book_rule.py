"""What does a venue declare of its books: how messages are ordered, what proves a book, how deep it is."""

from typing import Literal

from msgspec import Struct


class BookRule(Struct, frozen=True, kw_only=True):
    """The rule of one venue's books."""

    ordering: Literal["arrival", "time", "updates"] = "arrival"
    """How it is known what a snapshot has in it, and that nothing is missing.

    `arrival`: every message counts, and what came before a snapshot is in it; `time`: a message that is older
    than the snapshot is in it; `updates`: changes are numbered, and none may be missing.
    """
    checksum: Literal["crc32_top_ten"] | None = None
    """How the checksum is made that messages carry; None where they carry none."""
    depth_max: int | None = None
    """Levels of a side that the venue keeps told; None where it tells all."""
    top_strikes_max: int | None = None
    """So many messages in a row whose best prices are not the book's are a gap; None where none are told."""
    waiting_max: int = 4_096
    """Messages that are kept while a book waits for its snapshot; with more, the oldest are forgotten."""
