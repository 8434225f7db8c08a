"""What does a node's error mean, and what is the remedy: nodes agree on neither codes nor words."""

import re

from msgspec import Struct

from tidemill.schema.faults import Fault, Gap, Refused, Unreachable

_TOO_LARGE = re.compile(
    r"more than \d+ (results|logs|blocks)|limit exceeded|exceeds? .*(limit|range|max)"
    r"|too (many|large|big|wide)|block range|range (is )?too|response size|query timeout|result window"
    r"|max(imum)? (is|range|results|block)"
    r"|logs matched|out ?of ?gas|timed? ?out|oversized",
    re.IGNORECASE,
)
_SLOW = re.compile(r"timed? ?out", re.IGNORECASE)
_BUSY = re.compile(
    r"\brate\b|too many requests|capacity|throttl|busy|overload|requests? (limit|count)|per second",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"(unknown|not found|missing|no such|invalid) .*(block|header|state|trie)|(block|header|state).*"
    r"(not found|unknown|missing|unavailable|not available|pruned)|resource not found",
    re.IGNORECASE,
)
_NO_METHOD_CODES = (-32601, -32004)
_NO_METHOD = re.compile(
    r"\bmethods?\b[^:]{0,80}\b(not (found|supported|available|allowed|enabled|whitelisted|exist)|unsupported"
    r"|unavailable|disabled)|(unknown|unsupported|invalid|no such) (rpc )?method",
    re.IGNORECASE,
)


class RpcError(Struct, frozen=True):
    """A JSON-RPC error object."""

    code: int
    message: str

    @classmethod
    def too_large_error(cls, message: str) -> "RpcError":
        """Return the error of a transport that found the question or its answer too large."""
        return cls(-32005, f"response size: {message}")

    @property
    def is_busy(self) -> bool:
        """The node has had too many questions."""
        return self.code == 429 or bool(_BUSY.search(self.message))

    @property
    def is_too_large(self) -> bool:
        """A smaller question may be answered."""
        if self.is_busy:
            return False
        return self.code == -32005 or bool(_TOO_LARGE.search(self.message))

    @property
    def is_slow(self) -> bool:
        """The node did not find the answer in its time; at another time it may."""
        return bool(_SLOW.search(self.message))

    @property
    def is_reverted(self) -> bool:
        """The contract that was called reverted."""
        return self.code == 3 or "revert" in self.message.lower()

    @property
    def is_missing(self) -> bool:
        """The node does not have the block, or no longer its state."""
        return bool(_MISSING.search(self.message))

    @property
    def is_unknown_method(self) -> bool:
        """The node will never answer such a question, whichever of the codes in use it says it with."""
        if self.is_busy:  # a plan's limit can be told as a method that is not available now
            return False
        return self.code in _NO_METHOD_CODES or bool(_NO_METHOD.search(self.message))


def fault_of(error: RpcError, where: str) -> Fault:
    """Return the fault that says what to do about `error`."""
    text = f"{where}: the node answered {error.code}: {error.message[:300]}"
    if error.is_unknown_method:
        return Refused(text)
    if error.is_missing:
        return Gap(text)
    return Unreachable(text)
