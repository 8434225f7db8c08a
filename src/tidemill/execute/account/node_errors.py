"""What does a node's refusal of a transaction mean, and what is the remedy: nodes agree on no words."""

import re
from enum import StrEnum

from tidemill.chains.evm.answers import RpcError


class Remedy(StrEnum):
    """What to do about a transaction that a node did not take."""

    WATCH = "watch"
    """The node has it already: it is as good as sent."""
    LOOK_UP = "look_up"
    """Its nonce is used: it may itself be what used it."""
    RAISE_FEES = "raise_fees"
    """It offers too little: as it is nobody takes it."""
    OUTBID = "outbid"
    """Another transaction waits with its nonce, and offers nearly as much."""
    FILL_GAP = "fill_gap"
    """A nonce before its own is missing."""
    FUND = "fund"
    """The account cannot pay: nothing can be sent until it can."""
    GIVE_UP = "give_up"
    """It will never be taken: its nonce is free again."""
    ASK_AGAIN = "ask_again"
    """The node had no time for it: the same bytes may pass later."""
    UNCERTAIN = "uncertain"
    """Whether it was taken is not known: it is looked for, and nothing else is sent until it is found."""


_WORDS: tuple[tuple[Remedy, str], ...] = (
    (Remedy.WATCH, r"already known|known transaction|already imported|already exists|alreadyknown"),
    (Remedy.OUTBID, r"replacement .*(underpriced|fee too low)|could not replace|replacementnotallowed"),
    (
        Remedy.RAISE_FEES,
        r"underpriced|max ?fee per ?gas (is )?less than|fee cap less than|less than (block )?base ?fee"
        r"|gas ?price (is )?(too low|below)|fee too low|feetoolow|tip .*below|below .*minimum"
        r"|lower than the minimum|max ?fee ?per ?gas too low|transaction gas price",
    ),
    (
        Remedy.LOOK_UP,
        r"nonce (is )?too low|old nonce|nonce .*(already|has been) used|invalid nonce; got|oldnonce",
    ),
    (Remedy.FILL_GAP, r"nonce (is )?too high|nonce gap|noncegap|nonce .*too distant"),
    (Remedy.FUND, r"insufficient (funds|balance)|balance .*(too low|not enough|insufficient)|lack of funds"),
    (
        Remedy.GIVE_UP,
        r"intrinsic gas|gas limit (reached|too high|exceed)|exceeds? (block )?gas limit|exceeds the .*gas"
        r"|invalid (sender|signature|chain ?id|transaction)|chain ?id|oversized|not supported|type not"
        r"|tip above fee cap|priority fee .*(higher|greater|above)|only replay-protected|revert",
    ),
)
_PATTERNS = tuple((remedy, re.compile(words, re.IGNORECASE)) for remedy, words in _WORDS)


def remedy_of(error: RpcError) -> Remedy:
    """Return what to do about a transaction that a node answered with `error`; `UNCERTAIN` of unknown words.

    Example:
        >>> remedy_of(RpcError(-32000, "replacement transaction underpriced"))
        <Remedy.OUTBID: 'outbid'>
        >>> remedy_of(RpcError(-32000, "nonce too low: next nonce 7, tx nonce 6"))
        <Remedy.LOOK_UP: 'look_up'>
    """
    for remedy, pattern in _PATTERNS:
        if pattern.search(error.message):
            return remedy
    if error.is_unknown_method:
        return Remedy.GIVE_UP
    return Remedy.ASK_AGAIN if error.is_busy else Remedy.UNCERTAIN
