"""What is the code of a contract that answers given views, as a hostile or a broken one might."""

from collections.abc import Mapping
from typing import NamedTuple

from tidemill.sandbox import abi

_HEAD = bytes.fromhex("60003560e01c")  # the selector of the call
_REFUSE = bytes.fromhex("60006000fd")
_BRANCH_BYTES = 11
_BODY_BYTES = 16


class Refusal(NamedTuple):
    """A view that reverts."""

    data: bytes = b""
    """The reason that it gives."""


def refusing(text: str) -> Refusal:
    """Return what `require(false, text)` does."""
    return Refusal(bytes.fromhex(abi.call("Error(string)", text)[2:]))


def words(*values: int | str) -> bytes:
    """Return numbers, and addresses as 0x-hex, a word each."""
    return b"".join(
        (int(value, 16) if isinstance(value, str) else value % 2**256).to_bytes(32, "big") for value in values
    )


def code_of(views: Mapping[str, bytes | Refusal]) -> str:
    """Return the 0x-hex code of a contract that answers `views`, by their signatures, whatever the arguments;
    every other call reverts without a reason.
    """
    body_at = len(_HEAD) + _BRANCH_BYTES * len(views) + len(_REFUSE)
    data_at = body_at + _BODY_BYTES * len(views)
    branches, bodies, data = b"", b"", b""
    for signature, answer in views.items():
        told = answer.data if isinstance(answer, Refusal) else answer
        size, start = len(told).to_bytes(2, "big"), (data_at + len(data)).to_bytes(2, "big")
        body = (body_at + len(bodies)).to_bytes(2, "big")
        # DUP1, PUSH4 selector, EQ, PUSH2 body, JUMPI
        branches += b"\x80\x63" + abi.selector(signature) + b"\x14\x61" + body + b"\x57"
        # JUMPDEST, CODECOPY of the answer to 0, RETURN or REVERT
        bodies += b"\x5b\x61" + size + b"\x61" + start + b"\x60\x00\x39\x61" + size + b"\x60\x00"
        bodies += b"\xfd" if isinstance(answer, Refusal) else b"\xf3"
        data += told
    return "0x" + (_HEAD + branches + _REFUSE + bodies + data).hex()
