"""Which block does a call ask about, and of which block is a thing that the node returns."""

from typing import Any

from msgspec import Struct

from tidemill.sandbox.faults.calls import Call

_NEWEST = ("latest", "pending")
_HASH_TEXT = 66
_POSITION = {
    "eth_getBlockByNumber": 0,
    "eth_getBlockByHash": 0,
    "eth_getBlockReceipts": 0,
    "eth_getBlockTransactionCountByNumber": 0,
    "eth_getBlockTransactionCountByHash": 0,
    "eth_getLogs": 0,
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_getProof": 2,
    "eth_getStorageAt": 2,
}
_NULL_WHERE_UNKNOWN = frozenset(name for name in _POSITION if name.startswith("eth_getBlock"))


class Named(Struct, frozen=True):
    """The block that a call names: by hash, by number, or as the newest one."""

    hash: str | None = None
    number: int | None = None
    is_newest: bool = False


def named_by(call: Call) -> Named | None:
    """Return the block that a call asks about; None where it names none, or a range."""
    position = _POSITION.get(call.method)
    if position is None or not isinstance(call.params, list):
        return None
    if position == len(call.params):
        return Named(is_newest=True)
    if position > len(call.params):
        return None
    match call.params[position]:
        case str(text):
            return _named(text)
        case {"blockHash": str(text)}:
            return Named(hash=text.lower())
        case {"blockNumber": str(text)}:
            return _named(text)
        case _:
            return None


def naming(call: Call, block: str) -> Call:
    """Return the call asking about another block, a hash or a number in hex."""
    position = _POSITION[call.method]
    params: list[Any] = list(call.params)
    asked: Any = params[position] if position < len(params) else None
    if isinstance(asked, dict):
        of_block = "blockHash" if len(block) == _HASH_TEXT else "blockNumber"
        other = {"blockHash", "blockNumber"}
        params[position : position + 1] = [
            {key: value for key, value in asked.items() if key not in other} | {of_block: block}
        ]
    else:
        params[position : position + 1] = [block]
    return Call(call.method, call.id, params, call.jsonrpc)


def ends_range_at(call: Call, newest: int) -> Call:
    """Return `eth_getLogs` of a range with the newest block named by number; any other call as it is."""
    match call.method, call.params:
        case "eth_getLogs", [dict(wanted), *_] if "blockHash" not in wanted:
            ends = {"fromBlock": "latest", "toBlock": "latest"} | wanted
            for end in ("fromBlock", "toBlock"):
                if ends[end] in _NEWEST or ends[end] is None:
                    ends[end] = hex(newest)
            return Call(call.method, call.id, [ends], call.jsonrpc)
        case _:
            return call


def is_null_where_unknown(call: Call) -> bool:
    """Say whether a node answers null about a block that it lacks; else it answers an error."""
    return call.method in _NULL_WHERE_UNKNOWN


def number_of(thing: Any) -> int | None:
    """Return the block number of a header, block, log, transaction or receipt; None of anything else."""
    if not isinstance(thing, dict):
        return None
    number: Any = thing.get("number") if "parentHash" in thing else thing.get("blockNumber")
    return int(number, 16) if isinstance(number, str) else None


def _named(text: str) -> Named | None:
    if text in _NEWEST:
        return Named(is_newest=True)
    if len(text) == _HASH_TEXT:
        return Named(hash=text.lower())
    try:
        return Named(number=int(text, 16))
    except ValueError:  # earliest, safe, finalized: behind any lag that is worth a test
        return None
