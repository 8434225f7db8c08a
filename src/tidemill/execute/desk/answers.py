"""What is answered to a signal, and told to who listens: the bodies of the source document."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from tidemill.core.clock import NS_PER_S
from tidemill.execute.chain_settings import ChainSettings
from tidemill.execute.desk.chain_desk import Prepared
from tidemill.execute.signal import Signal, body_of
from tidemill.execute.simulation.simulation import Simulation
from tidemill.schema.events import Execution, ExecutionMode
from tidemill.schema.faults import Fault, Malformed, Refused, Unknown

NO_WALLET = "No wallet configured for LIVE execution"
SIMULATION_FAILED = "Simulation failed"
"""Source: the execution layer's document, "Troubleshooting"."""

Body = dict[str, Any]


class Answer(NamedTuple):
    """An answer."""

    body: Mapping[str, Any] | msgspec.Raw
    status: HTTPStatus = HTTPStatus.OK
    retry_after_s: int | None = None

    @property
    def content(self) -> Mapping[str, Any]:
        """The body, read where it was kept."""
        return msgspec.json.decode(self.body) if isinstance(self.body, msgspec.Raw) else self.body

    @property
    def is_success(self) -> bool:
        """Whether a signal was carried out, or is under way."""
        return self.content["success"] is True


def not_configured(chain_id: int) -> str:
    """Return what is said of a chain that has no endpoint."""
    return f"Chain {chain_id} not configured"


def sent_body(told: Execution) -> Body:
    """Return what is answered to a signal that is under way, or on paper."""
    body: Body = {"success": True, "mode": told.mode}
    if told.mode == ExecutionMode.PAPER:
        body["simulation"] = _success(told)
    else:
        body |= {"txHash": _hex(told.tx_hash), "chainId": told.chain_id}
    return body | {
        "expected_profit": told.expected_profit_usd,
        "simulated_profit": _text(told.simulated_profit),
        "execution_id": _hex(told.execution_id),
        "timestamp": time_text(told.event_ns),
    }


def failure_body(error: str, mode: ExecutionMode, now_ns: int, **more: Any) -> Body:
    """Return what is answered to a signal that is not carried out; `more` has why, where `error` does not."""
    return {"success": False, "mode": mode, "error": error, **more, "timestamp": time_text(now_ns)}


def simulation_body(prepared: Prepared, chain: ChainSettings) -> Body:
    """Return the answer to a simulation."""
    told = prepared.simulation
    return {
        "success": told.is_success,
        "simulation": simulation_part(told),
        "estimated_profit": chain.usd(prepared.route.loan.token, prepared.profit),
        "simulated_profit": _text(prepared.profit),
        "method": told.method,
        "block_number": told.block_number,
    }


def sent_message(signal: Signal, told: Execution) -> Body:
    """Return what listeners are told of a signal that is under way, or on paper."""
    if told.mode == ExecutionMode.PAPER:
        news: Body = {"type": "paper_execution", "simulation": _success(told)}
    else:
        news = {"type": "live_execution", "txHash": _hex(told.tx_hash)}
    return news | {"signal": body_of(signal), "timestamp": time_text(told.event_ns)}


def failed_message(signal: Signal, body: Mapping[str, Any]) -> Body:
    """Return what listeners are told of a signal that is not carried out."""
    return {"type": "execution_failed", "signal": body_of(signal)} | {
        name: body[name] for name in ("error", "reason", "timestamp") if name in body
    }


def state_message(told: Execution) -> Body:
    """Return what listeners are told of a trade that came into another state later."""
    return {
        "type": "execution_state",
        "execution_id": _hex(told.execution_id),
        "state": told.state,
        "simulated_profit": _text(told.simulated_profit),
        "realised_profit": _text(told.realised_profit),
        "block_number": told.block_number,
        "txHash": _hex(told.tx_hash),
        "reason": told.reason,
        "timestamp": time_text(told.event_ns),
    }


def status_of(fault: Fault) -> HTTPStatus:
    """Return the status of an answer that tells of a fault."""
    match fault:
        case Malformed() | Refused():
            return HTTPStatus.BAD_REQUEST
        case Unknown():
            return HTTPStatus.NOT_FOUND
        case _:
            return HTTPStatus.SERVICE_UNAVAILABLE


def time_text(now_ns: int) -> str:
    """Return a time as ISO 8601 has it, to the millisecond."""
    return datetime.fromtimestamp(now_ns / NS_PER_S, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def simulation_part(told: Simulation) -> Body:
    """Return how an answer tells of a simulation."""
    return {"success": told.is_success, "gasUsed": told.gas_used, "error": told.revert_reason}


def _success(told: Execution) -> Body:
    return {"success": True, "gasUsed": told.gas_used}


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)


def _hex(data: bytes | None) -> str | None:
    return None if data is None else "0x" + data.hex()
