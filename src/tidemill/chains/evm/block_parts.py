"""Everything a node tells of a block: itself, its receipts and, where it traces, its calls; one document."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from tidemill.chains.evm.answers import RpcError, fault_of
from tidemill.core.http import HttpEndpoint, HttpFailure
from tidemill.schema.faults import Malformed, Unknown

_TRACER = {"tracer": "callTracer"}
_NOT_SERVED = (-32601, -32600, -32004)
"""What nodes answer to a method that they have not, or not for everybody."""

_HASH_DIGITS = 66
"""Of a hash, its 0x included."""


class BlockParts(Struct, frozen=True):
    """A block as one document."""

    document: bytes
    """JSON: `{"block", "receipts"}` and `"traces"` where the node traces."""
    has_traces: bool
    """False where the node has no method that traces: tips, failed attempts and native coin are not seen."""


class _Reply(Struct, frozen=True):
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: RpcError | None = None


_REPLY = msgspec.json.Decoder(_Reply)


async def block_parts(http: HttpEndpoint, block: int | str) -> BlockParts:
    """Ask the node for everything about a block: a number, or `latest`.

    Raises: Unknown, where it has no such block; Unreachable, Refused, Malformed, where it does not answer.
    """
    number = hex(block) if isinstance(block, int) else block
    head = await _ask(http, "eth_getBlockByNumber", [number, True])
    if bytes(head) == b"null":
        raise Unknown(f"{http.endpoint}: expected block {block}, found none")
    at = msgspec.json.decode(head, type=dict[str, object])["number"]
    return await _parts(http, head, at, is_traced=True)


async def parts_of_hash(http: HttpEndpoint, block_hash: bytes, *, is_traced: bool) -> BlockParts:
    """Ask the node for a block by its hash, and, where wanted, for its calls. Raises: as `block_parts`."""
    name = f"0x{block_hash.hex()}"
    head = await _ask(http, "eth_getBlockByHash", [name, True])
    if bytes(head) == b"null":
        raise Unknown(f"{http.endpoint}: expected block {name}, found none")
    return await _parts(http, head, name, is_traced=is_traced)


async def hash_at(http: HttpEndpoint, number: int) -> bytes | None:
    """Return the hash of the node's block at `number`; None where it has none. Raises: as `block_parts`."""
    head = await _ask(http, "eth_getBlockByNumber", [hex(number), False])
    if bytes(head) == b"null":
        return None
    try:
        return bytes.fromhex(str(msgspec.json.decode(head)["hash"])[2:])
    except (KeyError, TypeError, ValueError):
        raise Malformed(f"{http.endpoint}: expected a block with its hash at {number}") from None


async def _parts(http: HttpEndpoint, head: msgspec.Raw, at: object, *, is_traced: bool) -> BlockParts:
    receipts = await _ask(http, "eth_getBlockReceipts", [at])
    if bytes(receipts) == b"null":
        raise Unknown(f"{http.endpoint}: expected the receipts of block {at}, found none")
    traces = await _traces(http, at) if is_traced else None
    parts = {"block": head, "receipts": receipts} | ({} if traces is None else {"traces": traces})
    return BlockParts(msgspec.json.encode(parts), traces is not None)


async def block_of_tx(http: HttpEndpoint, tx_hash: str) -> int:
    """Return the number of the block that has the transaction. Raises: as `block_parts`."""
    receipt = await _ask(http, "eth_getTransactionReceipt", [tx_hash])
    if bytes(receipt) == b"null":
        raise Unknown(f"{http.endpoint}: expected a transaction {tx_hash} in a block, found none")
    try:
        return int(str(msgspec.json.decode(receipt)["blockNumber"]), 16)
    except (KeyError, TypeError, ValueError):
        raise Malformed(f"{http.endpoint}: expected a receipt with its blockNumber") from None


async def _traces(http: HttpEndpoint, at: object) -> msgspec.Raw | None:
    """Ask for the calls of a block, by its number or its hash."""
    is_hash = isinstance(at, str) and len(at) == _HASH_DIGITS
    traced = "debug_traceBlockByHash" if is_hash else "debug_traceBlockByNumber"
    for method, params in ((traced, [at, _TRACER]), ("trace_block", [at])):
        reply = await _reply(http, method, params)
        if reply.error is None:
            return reply.result
        if reply.error.code not in _NOT_SERVED:
            raise fault_of(reply.error, f"{http.endpoint} {method}")
    return None


async def _ask(http: HttpEndpoint, method: str, params: Sequence[object]) -> msgspec.Raw:
    reply = await _reply(http, method, params)
    if reply.error is not None:
        raise fault_of(reply.error, f"{http.endpoint} {method}")
    return reply.result


async def _reply(http: HttpEndpoint, method: str, params: Sequence[object]) -> _Reply:
    answer = await http.post(
        msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    )
    if isinstance(answer, HttpFailure):
        raise answer.fault
    try:
        return _REPLY.decode(answer.body)
    except msgspec.DecodeError as error:
        raise Malformed(f"{http.endpoint} {method}: expected an answer, found: {error}") from error
