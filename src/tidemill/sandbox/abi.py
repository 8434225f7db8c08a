"""How calls to contracts are spelled as bytes, and where a contract that an account creates will be."""

from functools import cache
from typing import Any

from eth_abi.abi import decode as _decode
from eth_abi.abi import encode as _encode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak

from tidemill.schema.faults import Malformed

MAX_UINT256 = 2**256 - 1
_RLP_INTEGER_END = 0x80


@cache
def selector(signature: str) -> bytes:
    """Return the first four bytes of the digest of `name(type,…)`."""
    return keccak(signature.encode())[:4]


@cache
def topic(signature: str) -> str:
    """Return an event's topic 0 as 0x-hex."""
    return "0x" + keccak(signature.encode()).hex()


def digest(data: bytes) -> str:
    """Return the Keccak-256 digest of `data` as 0x-hex."""
    return "0x" + keccak(data).hex()


def call(signature: str, *arguments: Any) -> str:
    """Return the 0x-hex call data of `signature`, whose arguments may be of any type."""
    types = _split(signature[signature.index("(") + 1 : -1])
    return "0x" + (selector(signature) + _encode(types, arguments)).hex()


def flat_call(signature: str, *words: int | str) -> str:
    """Return the 0x-hex call data of `signature`, all of whose arguments are one word each; quick.

    A tuple of such arguments is spelled as they are; an address is given as 0x-hex.
    """
    parts = [selector(signature).hex()]
    parts += [f"{int(word, 16) if isinstance(word, str) else word & MAX_UINT256:064x}" for word in words]
    return "0x" + "".join(parts)


def decode(types: list[str], data: str) -> tuple[Any, ...]:
    """Return the values of 0x-hex `data`.

    Raises: Malformed.
    """
    try:
        return _decode(types, bytes.fromhex(data[2:]))
    except (DecodingError, ValueError) as error:
        raise Malformed(f"expected ABI data of {','.join(types)}, found {data[:80]!r}") from error


def arguments(types: list[str], *values: Any) -> str:
    """Return constructor arguments as hex without 0x."""
    return _encode(types, values).hex()


def created_address(creator: str, nonce: int) -> str:
    """Return the address of the contract that `creator` creates by its transaction `nonce`."""
    # The last 20 bytes of the digest of the RLP list [creator, nonce].
    if nonce == 0:
        number = b"\x80"
    elif nonce < _RLP_INTEGER_END:
        number = bytes([nonce])
    else:
        digits = nonce.to_bytes((nonce.bit_length() + 7) // 8)
        number = bytes([0x80 + len(digits)]) + digits
    body = b"\x94" + bytes.fromhex(creator[2:]) + number
    return "0x" + keccak(bytes([0xC0 + len(body)]) + body)[12:].hex()


def _split(types: str) -> list[str]:
    """Split at the commas outside of brackets."""
    parts: list[str] = []
    depth = 0
    for character in types:
        if character == "," and depth == 0:
            parts.append("")
            continue
        depth += {"(": 1, ")": -1}.get(character, 0)
        if not parts:
            parts.append("")
        parts[-1] += character
    return parts
