"""What does a contract mean by the bytes with which it reverts?"""

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

_ERROR = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_PANICS = {
    0x01: "assertion failed",
    0x11: "arithmetic overflow",
    0x12: "division by zero",
    0x21: "no such value of an enumeration",
    0x22: "malformed storage bytes",
    0x31: "pop of an empty array",
    0x32: "index out of bounds",
    0x41: "too much memory",
    0x51: "call of an uninitialised function",
}
"""Source: docs.soliditylang.org, Control Structures, Panic via assert, read 2026-11."""


def revert_reason(output: bytes) -> str:
    """Return what `output` says in words; of a contract's own error, its selector and the bytes after it.

    Example:
        >>> revert_reason(bytes.fromhex("4e487b71") + (0x11).to_bytes(32))
        'panic 0x11: arithmetic overflow'
        >>> revert_reason(b"")
        'reverted without a reason'
    """
    selector, body = output[:4], output[4:]
    if not output:
        return "reverted without a reason"
    try:
        if selector == _ERROR:
            return str(decode(["string"], body)[0])
        if selector == _PANIC:
            number: int = decode(["uint256"], body)[0]
            return f"panic {number:#04x}: {_PANICS.get(number, 'unknown')}"
    except (DecodingError, UnicodeDecodeError, OverflowError):
        pass  # what only begins like either is a contract's own
    return f"custom error 0x{selector.hex()} 0x{body.hex()}"
