"""What would a call do by a node's own account: asked by the first of its methods that it has."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from tidemill.chains.evm.answers import fault_of
from tidemill.core.http import HttpEndpoint
from tidemill.execute.plan.route import Address
from tidemill.execute.simulation.forked_state import Head, read_head, rpc_call
from tidemill.execute.simulation.node import Question, Said, ask_each
from tidemill.execute.simulation.revert_reason import revert_reason
from tidemill.execute.simulation.simulation import (
    BalanceChange,
    BlockOverride,
    Call,
    Method,
    Overrides,
    Simulation,
)
from tidemill.schema.faults import Malformed, Refused

_TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_ETHER = bytes.fromhex("ee" * 20)
"""What `traceTransfers` gives as the token that is ether."""
_METHODS = (Method.SIMULATE_V1, Method.TRACE_CALL, Method.CALL)

Balances = dict[tuple[Address | None, Address], int]


class NodeSimulator:
    """Has a node simulate calls of its chain; it remembers which methods the node has not."""

    def __init__(self, http: HttpEndpoint, methods: Sequence[Method] = _METHODS) -> None:
        """Ask by `methods`, the best first."""
        self._http = http
        self._methods = list(methods)

    async def run(
        self,
        call: Call,
        block: int | None = None,
        *,
        overrides: Overrides | None = None,
        block_override: BlockOverride | None = None,
    ) -> Simulation:
        """Return what `call` does after block `block`; None: the newest. `eth_simulateV1` has it in the next.

        Raises: Refused where the node has none of the methods, or would not take the call; Unknown, Gap,
        Unreachable, Malformed. A call that could not be run is never a `Simulation`.
        """
        head = await read_head(self._http, block)
        while self._methods:
            method = self._methods[0]
            asked = _question(method, call, head, overrides or {}, block_override or BlockOverride())
            listing: Question = ("eth_createAccessList", [rpc_call(call), hex(head.number)])
            said, listed = await ask_each(self._http, [asked, listing])
            if isinstance(said, Said) and said.error.is_unknown_method:
                self._methods.remove(method)
                continue
            changed = overrides or block_override
            return _told(method, said, head, None if changed else _access_list(listed), self._http.endpoint)
        raise Refused(f"{self._http.endpoint}: expected a method that simulates calls, found none")


def _question(
    method: Method, call: Call, head: Head, overrides: Overrides, block_override: BlockOverride
) -> Question:
    name, spelled, state = hex(head.number), rpc_call(call), _spelled(overrides)
    match method:
        case Method.SIMULATE_V1:
            parts = {
                "blockOverrides": _block(block_override, ("number", "time", "baseFeePerGas")),
                "stateOverrides": state,
                "calls": [spelled],
            }
            return method, [{"blockStateCalls": [parts], "traceTransfers": True, "validation": False}, name]
        case Method.TRACE_CALL:
            options = {"tracer": "callTracer", "tracerConfig": {"withLog": True}, "stateOverrides": state}
            return method, [spelled, name, options | {"blockOverrides": _block(block_override, _OLD_NAMES)}]
        case _:
            made = _block(block_override, ("number", "time", "baseFee"))
            return method, [spelled, name, *([state, made] if state or made else [])]


_OLD_NAMES = ("number", "time", "baseFee")
"""Of what a block is made to be; `eth_simulateV1` has others."""


def _block(made: BlockOverride, names: tuple[str, str, str]) -> dict[str, str]:
    values = (made.number, made.timestamp_s, made.base_fee_wei)
    return {name: hex(value) for name, value in zip(names, values, strict=True) if value is not None}


def _spelled(overrides: Overrides) -> dict[str, dict[str, Any]]:
    spelled: dict[str, dict[str, Any]] = {}
    for address, one in overrides.items():
        account: dict[str, Any] = {}
        if one.balance_wei is not None:
            account["balance"] = hex(one.balance_wei)
        if one.nonce is not None:
            account["nonce"] = hex(one.nonce)
        if one.code is not None:
            account["code"] = "0x" + one.code.hex()
        if one.slots:
            account["stateDiff"] = {f"{slot:#066x}": f"{value:#066x}" for slot, value in one.slots.items()}
        spelled["0x" + address.hex()] = account
    return spelled


def _told(method: Method, said: Any, head: Head, access_list: Any, endpoint: str) -> Simulation:
    done, output, gas_used, logs, why = _read(method, said, endpoint)
    return Simulation(
        is_success=done,
        gas_used=gas_used,
        output=output,
        # A node may tell the words and not the bytes.
        revert_reason=None if done else (revert_reason(output) if output or why is None else why),
        balance_changes=None if logs is None else _changes(logs if done else []),
        access_list=access_list,
        method=method,
        block_number=head.number,
        block_hash=head.block_hash,
    )


_Read = tuple[bool, bytes, int | None, list[dict[str, Any]] | None, str | None]
"""Whether it went through, what it returned, gas, logs, and why it failed where nothing was returned."""


def _read(method: Method, said: Any, endpoint: str) -> _Read:
    if isinstance(said, Said):
        reverted = said.revert
        if reverted is None:
            raise fault_of(said.error, f"{endpoint} {method}")
        return False, reverted, None, [], said.message
    try:
        return _READERS[method](said)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(f"{endpoint} {method}: expected a simulation, found one without {error}") from error


def _read_simulated(said: Any) -> _Read:
    told = said[0]["calls"][0]
    why = (told.get("error") or {}).get("message")
    data = told.get("returnData") or "0x"
    return int(told["status"], 16) == 1, _bytes(data), int(told["gasUsed"], 16), told["logs"], why


def _read_traced(said: Any) -> _Read:
    why = said.get("error")
    return why is None, _bytes(said.get("output") or "0x"), int(said["gasUsed"], 16), _logs(said), why


def _read_called(said: Any) -> _Read:
    return True, _bytes(said), None, None, None


_READERS = {
    Method.SIMULATE_V1: _read_simulated,
    Method.TRACE_CALL: _read_traced,
    Method.CALL: _read_called,
}


def _logs(frame: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the logs of a call and of the calls in it that were not undone, with its ether as a log."""
    if frame.get("error"):
        return []
    logs = list(frame.get("logs") or [])
    value = int(frame.get("value") or "0x0", 16)
    if value and frame["type"] in ("CALL", "CREATE", "CREATE2"):
        topics = [_TRANSFER, *("0x" + 24 * "0" + frame[side][2:] for side in ("from", "to"))]
        logs.append({"address": "0x" + _ETHER.hex(), "topics": topics, "data": hex(value)})
    for inner in frame.get("calls") or []:
        logs += _logs(inner)
    return logs


def _changes(logs: Sequence[Mapping[str, Any]]) -> tuple[BalanceChange, ...]:
    """Return what transfers in `logs` sum up to."""
    sums: Balances = {}
    for log in logs:
        topics = log["topics"]
        if len(topics) != 3 or topics[0] != _TRANSFER or log["data"] in ("0x", ""):
            continue
        token = _bytes(log["address"])
        size = int(log["data"], 16)
        for topic, sign in zip(topics[1:], (-1, 1), strict=True):
            holder = _bytes(topic)[12:]
            if any(holder):
                key = (None if token == _ETHER else token, holder)
                sums[key] = sums.get(key, 0) + sign * size
    return tuple(BalanceChange(token, holder, change) for (token, holder), change in sums.items() if change)


def _access_list(listed: Any) -> tuple[tuple[Address, tuple[int, ...]], ...] | None:
    if isinstance(listed, Said) or not isinstance(listed, dict):
        return None
    entries = cast(list[dict[str, Any]], listed.get("accessList") or [])
    return tuple(
        (_bytes(entry["address"]), tuple(int(slot, 16) for slot in entry["storageKeys"])) for entry in entries
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
