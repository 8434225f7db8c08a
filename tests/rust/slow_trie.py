"""The receipts' root as the yellow paper defines it: plain, slow, and written without a look at the fast one.

Source: Ethereum yellow paper, appendices B and D, section 4.3.1; EIP-2718 for typed receipts.
"""

from collections.abc import Sequence
from typing import Any

from tidemill._rust import keccak256

Item = bytes | Sequence["Item"]
Nibbles = tuple[int, ...]


def rlp(item: Item) -> bytes:
    """Return the recursive length prefix encoding of bytes, or of a list."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _sized(0x80, item)
    return _sized(0xC0, b"".join(rlp(one) for one in item))


def _sized(kind: int, payload: bytes) -> bytes:
    if len(payload) < 56:
        return bytes([kind + len(payload)]) + payload
    size = _int(len(payload))
    return bytes([kind + 55 + len(size)]) + size + payload


def _int(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _path(nibbles: Nibbles, is_leaf: bool) -> bytes:
    flag = 2 if is_leaf else 0
    padded = (flag + 1, *nibbles) if len(nibbles) % 2 else (flag, 0, *nibbles)
    return bytes(high * 16 + low for high, low in zip(padded[::2], padded[1::2], strict=True))


def _named(node: Item) -> Item:
    spelled = rlp(node)
    return node if len(spelled) < 32 else keccak256(spelled)


def _node(entries: dict[Nibbles, bytes]) -> Item:
    if len(entries) == 1:
        [(path, value)] = entries.items()
        return [_path(path, True), value]
    shared = min(entries)
    while any(path[: len(shared)] != shared for path in entries):
        shared = shared[:-1]
    if shared:
        rest = {path[len(shared) :]: value for path, value in entries.items()}
        return [_path(shared, False), _named(_node(rest))]
    branches: list[Item] = []
    for nibble in range(16):
        under = {path[1:]: value for path, value in entries.items() if path[:1] == (nibble,)}
        branches.append(_named(_node(under)) if under else b"")
    return [*branches, entries.get((), b"")]


def _hex(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _bloom(logs: Sequence[dict[str, Any]]) -> bytes:
    bits = 0
    for word in (_hex(word) for log in logs for word in (log["address"], *log["topics"])):
        digest = keccak256(word)
        for at in (0, 2, 4):
            bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") % 2048)
    return bits.to_bytes(256, "big")


def _receipt(told: dict[str, Any]) -> bytes:
    outcome = _hex(told["root"]) if "root" in told else _int(int(told["status"], 16))
    logs = [
        [_hex(log["address"]), [_hex(one) for one in log["topics"]], _hex(log["data"])]
        for log in told["logs"]
    ]
    fields: list[Item] = [outcome, _int(int(told["cumulativeGasUsed"], 16)), _bloom(told["logs"]), logs]
    if "depositReceiptVersion" in told:
        fields += [_int(int(told["depositNonce"], 16)), _int(int(told["depositReceiptVersion"], 16))]
    tx_type = int(told["type"] or "0x0", 16)
    return (bytes([tx_type]) if tx_type else b"") + rlp(fields)


def root_of(receipts: Sequence[dict[str, Any]]) -> bytes:
    """Return the root of the trie of `receipts`, as a node spells them, in order."""
    entries: dict[Nibbles, bytes] = {}
    for index, told in enumerate(receipts):
        key = rlp(_int(index))
        entries[tuple(half for byte in key for half in (byte >> 4, byte & 15))] = _receipt(told)
    return keccak256(rlp(_node(entries)) if entries else b"\x80")
