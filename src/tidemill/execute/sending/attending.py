"""What is due for a transaction that is not included yet?"""

from enum import StrEnum

from msgspec import Struct

from tidemill.execute.account.outgoing import Outgoing


class Due(StrEnum):
    """What to do about it."""

    WAIT = "wait"
    HAND_OVER = "hand_over"
    """The same bytes, once more."""
    REPLACE = "replace"
    """The same, with higher fees."""
    CANCEL = "cancel"
    """Its nonce is taken by what does nothing."""
    DROP = "drop"
    """Nobody can have it and nothing comes after it: its nonce is free again."""


class Standing(Struct, frozen=True, kw_only=True):
    """What decides it."""

    head_number: int
    is_known: bool
    """Whether the chain's node has it, or what replaces it."""
    is_private: bool
    """Whether it went where the node does not see."""
    is_stopped: bool
    """Whether the kill switch is engaged."""
    is_last: bool
    """Whether no later nonce is out."""
    replace_after_blocks: int


def due(one: Outgoing, standing: Standing) -> Due:
    """Return what is due, the most pressing first.

    What is late fails if it is included, and costs its gas; what waits while the switch is engaged is not to
    happen. Both are cancelled, in the open; but a relay's cannot be called back before its last block.
    """
    waited = standing.head_number - one.handed_block
    is_late = standing.head_number >= one.last_block
    is_open = not standing.is_private or one.is_cancelled
    if one.is_cancelled:
        if not standing.is_known:
            return Due.HAND_OVER
        return Due.REPLACE if waited >= standing.replace_after_blocks else Due.WAIT
    if is_late or (standing.is_stopped and is_open):
        is_nowhere = not one.is_out or (standing.is_private and is_late)
        # What the open has once seen may come back: only another transaction of its nonce makes an end of it.
        return Due.DROP if standing.is_last and is_nowhere and not standing.is_known else Due.CANCEL
    if standing.is_stopped:
        return Due.WAIT  # a relay has it until its last block: it cannot be called back
    if not is_open:
        return Due.HAND_OVER if waited > 0 else Due.WAIT
    if not standing.is_known:
        return Due.HAND_OVER
    return Due.REPLACE if waited >= standing.replace_after_blocks else Due.WAIT
