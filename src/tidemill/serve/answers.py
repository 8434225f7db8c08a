"""How is a value, or a fault, sent back over HTTP."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.responses import Response

from tidemill.schema.faults import Fault, Gap, Refused, Unknown, Unreachable

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Of every answer that says nothing else."""
STATUSES: dict[type[Fault], HTTPStatus] = {
    Refused: HTTPStatus.BAD_REQUEST,
    Gap: HTTPStatus.CONFLICT,
    Unknown: HTTPStatus.NOT_FOUND,
    Unreachable: HTTPStatus.SERVICE_UNAVAILABLE,
}
OTHER_FAULT = HTTPStatus.BAD_GATEWAY
"""The status of a fault of another class."""


class FaultAnswer(msgspec.Struct, frozen=True):
    """What is answered where a request cannot be: the fault's class, which is its remedy, and its message."""

    fault: str
    message: str


def fault_response(fault: Fault) -> Response:
    """Return the answer that tells of `fault`."""
    status = STATUSES.get(type(fault), OTHER_FAULT)
    return json_response(FaultAnswer(type(fault).__name__, str(fault)), status)


def json_response(value: object, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return `value` as JSON."""
    return Response(
        msgspec.json.encode(value),
        status_code=status,
        headers={**HEADERS, **(headers or {})},
        media_type="application/json",
    )
