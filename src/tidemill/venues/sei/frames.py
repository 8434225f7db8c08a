"""What a CometBFT node says, as bytes over its WebSocket or HTTP, and what that means; no I/O, no clock.

Source: sei-tendermint rpc/jsonrpc and types/events.go; CometBFT 0.34, 0.37 and 0.38 differ as noted.
"""

import binascii
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from tidemill.core.clock import NS_PER_S
from tidemill.schema.faults import Malformed, Refused, Unreachable

_BUSY_CODES = frozenset({-32603, -32000, -32005})
"""Internal error, which is also what a full or cancelled subscription gets, server error, budget timeout."""
_REFUSED_WORDS = ("failed to parse query", "max_subscriptions", "too many subscriptions", "max subscriptions")
BLOCK_BEGIN, BLOCK_END = -1, 1 << 31
"""Stand for the index of what happened before a block's transactions, and after them."""


class Encoding(StrEnum):
    """How a node writes the attributes of the events in a message's data; its flat map is always plain."""

    BASE64 = "base64"
    """Sei's own nodes, Tendermint 0.34."""
    PLAIN = "plain"
    """CometBFT from 0.37 on."""


class ContractEvent(NamedTuple):
    """An event of a contract or a module."""

    type: str
    attributes: tuple[tuple[str, str], ...]
    """In their order: keys may repeat."""


class Tx(NamedTuple):
    """A transaction's result, or, by BLOCK_BEGIN and BLOCK_END, what a block did beside them."""

    height: int
    tx_index: int
    tx_hash: bytes | None
    events: tuple[ContractEvent, ...]
    """Of one that failed none counts."""


class Head(NamedTuple):
    """A block began."""

    height: int
    time_ns: int
    network: str


class Listed(NamedTuple):
    """Events without a block, as gateways before a node tell them."""

    events: tuple[ContractEvent, ...]


class Answer(NamedTuple):
    """What a question got."""

    id: str
    result: dict[str, Any]


class Block(NamedTuple):
    """A whole block: what is needed of it, and every transaction's result in order."""

    head: Head
    txs: tuple[Tx, ...]


class Status(NamedTuple):
    """Which network a node is of, and how far it is."""

    network: str
    height: int
    earliest_height: int
    is_catching_up: bool


Message = Tx | Head | Listed | Answer


def request(number: int, method: str, **params: str) -> dict[str, Any]:
    """Return one question, as JSON has it."""
    return {"jsonrpc": "2.0", "id": str(number), "method": method, "params": params}


def read_frame(frame: bytes, encoding: Encoding, where: str) -> Message:
    """Return what one WebSocket frame says.

    Raises: Malformed, where it cannot be read or its attributes are not written as stated; Refused or
    Unreachable, where the node says an error.
    """
    root = _object(_decoded(frame, where), where)
    try:
        if "type" in root and "attributes" in root:
            return Listed((_listed(root),))
        result = _result(root, where)
        if isinstance(result.get("events"), list):
            return Listed(tuple(_listed(_object(one, "event")) for one in result["events"]))
        if "data" not in result or "query" not in result:
            return Answer(str(root.get("id", "")), result)
        data = _object(result["data"], "data")
        value = _object(data.get("value"), "data.value")
        match data.get("type"):
            case "tendermint/event/Tx":
                tx = _tx(_object(value.get("TxResult"), "TxResult"), encoding)
                _check_encoding(tx.events, _flat(result.get("events")), encoding)
                return tx
            case "tendermint/event/NewBlock":
                return read_head(_object(value.get("block"), "block").get("header"))
            case "tendermint/event/NewBlockHeader":
                return read_head(value.get("header"))
            case other:
                raise Malformed(f"expected a Tx, NewBlock or NewBlockHeader, found {str(other)[:60]!r}")
    except Malformed as fault:
        raise Malformed(f"{where}: {fault}") from fault


def read_answers(body: bytes, where: str) -> dict[str, dict[str, Any]]:
    """Return the results of a batch of questions, by id. Raises: as `read_frame`."""
    root = _decoded(body, where)
    answers = root if isinstance(root, list) else [root]
    found: dict[str, dict[str, Any]] = {}
    for one in answers:
        answer = _object(one, where)
        found[str(answer.get("id", ""))] = _result(answer, where)
    return found


def read_status(result: Mapping[str, Any]) -> Status:
    """Return what `status` answers. Raises: Malformed."""
    node = _object(result.get("node_info"), "node_info")
    sync = _object(result.get("sync_info"), "sync_info")
    return Status(
        _text(node.get("network"), "network"),
        _integer(sync.get("latest_block_height"), "latest_block_height"),
        _integer(sync.get("earliest_block_height", "0"), "earliest_block_height"),
        sync.get("catching_up") is True,
    )


def read_head(header: Any) -> Head:
    """Return a block's header. Raises: Malformed."""
    fields = _object(header, "header")
    return Head(
        _integer(fields.get("height"), "height"),
        read_time_ns(fields.get("time")),
        _text(fields.get("chain_id"), "chain_id"),
    )


def read_block(block: Mapping[str, Any], results: Mapping[str, Any], encoding: Encoding) -> Block:
    """Return a block out of what `block` and `block_results` answer. Raises: Malformed."""
    body = _object(block.get("block"), "block")
    head = read_head(body.get("header"))
    height = _integer(results.get("height"), "height")
    if height != head.height:
        raise Malformed(f"expected the results of block {head.height}, found those of {height}")
    hashes = [_tx_hash(raw) for raw in _array(_object(body.get("data"), "data").get("txs"), "txs")]
    rows = _array(results.get("txs_results"), "txs_results")
    if len(hashes) != len(rows):
        raise Malformed(f"block {height}: expected {len(hashes)} results, found {len(rows)}")
    txs = [Tx(height, BLOCK_BEGIN, None, _events(results.get("begin_block_events"), encoding))]
    for index, (tx_hash, row) in enumerate(zip(hashes, rows, strict=True)):
        txs.append(Tx(height, index, tx_hash, _succeeded(_object(row, "result"), encoding)))
    for name in ("end_block_events", "finalize_block_events"):
        txs.append(Tx(height, BLOCK_END, None, _events(results.get(name), encoding)))
    return Block(head, tuple(tx for tx in txs if tx.events))


def read_time_ns(value: Any) -> int:
    """Return ns since 1970 of an RFC 3339 time, all of whose digits count. Raises: Malformed."""
    text = _text(value, "time")
    whole, point, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))] if point else ""
    zone = rest[len(digits) :] if point else ""
    try:
        moment = datetime.fromisoformat(whole + zone)
    except ValueError as error:
        raise Malformed(f"expected a time, found {text[:40]!r}") from error
    if moment.tzinfo is None or len(digits) > 9 or not 1970 < moment.year < 2262:
        raise Malformed(f"expected a time with its zone, found {text[:40]!r}")
    return int(moment.timestamp()) * NS_PER_S + int(digits.ljust(9, "0") if digits else "0")


# --- parts


def _decoded(body: bytes, where: str) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"{where}: expected JSON ({error})") from error


def _result(root: Mapping[str, Any], where: str) -> dict[str, Any]:
    error = root.get("error")
    if error is None:
        return _object(root.get("result"), "result")
    fields = _object(error, "error")
    code, said = fields.get("code"), f"{fields.get('message', '')}: {fields.get('data', '')}"[:300]
    is_final = code not in _BUSY_CODES or any(word in said for word in _REFUSED_WORDS)
    raise (Refused if is_final else Unreachable)(f"{where}: expected an answer, found error {code}, {said}")


def _tx(result: Mapping[str, Any], encoding: Encoding) -> Tx:
    index = result.get("index", 0)
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < BLOCK_END:
        raise Malformed(f"expected an index, found {str(index)[:40]!r}")
    return Tx(
        _integer(result.get("height"), "height"),
        index,
        _tx_hash(result.get("tx")),
        _succeeded(_object(result.get("result"), "result"), encoding),
    )


def _succeeded(result: Mapping[str, Any], encoding: Encoding) -> tuple[ContractEvent, ...]:
    code = result.get("code", 0)
    if not isinstance(code, int) or isinstance(code, bool):
        raise Malformed(f"expected a code, found {str(code)[:40]!r}")
    return _events(result.get("events"), encoding) if code == 0 else ()


def _events(value: Any, encoding: Encoding) -> tuple[ContractEvent, ...]:
    found: list[ContractEvent] = []
    for one in _array(value, "events"):
        event = _object(one, "event")
        pairs = [
            _pair(_object(attribute, "attribute"), encoding)
            for attribute in _array(event.get("attributes"), "attributes")
        ]
        found.append(ContractEvent(_text(event.get("type"), "type"), tuple(pairs)))
    return tuple(found)


def _pair(attribute: Mapping[str, Any], encoding: Encoding) -> tuple[str, str]:
    key, value = (_optional_text(attribute.get(name), name) for name in ("key", "value"))
    return (key, value) if encoding is Encoding.PLAIN else (_unpacked(key), _unpacked(value))


def _unpacked(text: str) -> str:
    try:
        return binascii.a2b_base64(text, strict_mode=True).decode()
    except ValueError as error:
        raise Malformed(f"expected base64 attributes, as stated, found {text[:40]!r}") from error


def _check_encoding(
    events: Iterable[ContractEvent], flat: Mapping[str, Sequence[Any]], encoding: Encoding
) -> None:
    """Compare with the flat map, which is plain always. Raises: Malformed where they differ."""
    for event in events:
        for key, value in event.attributes:
            if key and value not in flat.get(f"{event.type}.{key}", ()):
                raise Malformed(
                    f"expected {encoding} attributes, as stated, found {event.type}.{key[:40]!r}, whose"
                    " value the flat map does not have"
                )


def _listed(event: Mapping[str, Any]) -> ContractEvent:
    """Return an event whose attributes are a list or an object, with its `data` beside them as JSON."""
    attributes = event.get("attributes")
    if isinstance(attributes, dict):
        pairs = [(str(key), _spelled(value)) for key, value in attributes.items()]
    else:
        listed = (_object(one, "attribute") for one in _array(attributes, "attributes"))
        pairs = [(_optional_text(one.get("key"), "key"), _spelled(one.get("value"))) for one in listed]
    data = event.get("data")
    beside = _object(data, "data").items() if data is not None else ()
    pairs += [(str(key), _spelled(value)) for key, value in beside]
    return ContractEvent(_text(event.get("type"), "type"), tuple(pairs))


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _flat(value: Any) -> dict[str, list[Any]]:
    flat = _object(value, "events")
    return {key: _array(values, key[:60]) for key, values in flat.items()}


def _tx_hash(raw: Any) -> bytes:
    try:
        return hashlib.sha256(binascii.a2b_base64(_text(raw, "tx"), strict_mode=True)).digest()
    except ValueError as error:
        raise Malformed("expected a transaction as base64, found another text") from error


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"expected an object as {what}, found {type(value).__name__}")
    return value


def _array(value: Any, what: str) -> list[Any]:
    if value is None:  # nodes write an empty list so
        return []
    if not isinstance(value, list):
        raise Malformed(f"expected a list as {what}, found {type(value).__name__}")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"expected a text as {what}, found {type(value).__name__}")
    return value


def _optional_text(value: Any, what: str) -> str:
    return "" if value is None else _text(value, what)


def _integer(value: Any, what: str) -> int:
    """Return a number of up to 63 bits, which nodes write as text."""
    text = _text(value, what)
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 1 << 63):
        raise Malformed(f"expected a number as {what}, found {text[:40]!r}")
    return int(text)
