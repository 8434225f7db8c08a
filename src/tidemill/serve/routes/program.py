"""What is told of the running program: its health, what it waits for, and its endpoints' scorecards."""

from http import HTTPStatus
from typing import Any

from msgspec import Struct

from tidemill.schema.faults import Refused
from tidemill.serve.across import Across
from tidemill.serve.asked import EndpointsAsked
from tidemill.serve.config import ReadySettings
from tidemill.serve.health import HealthAnswer, health_of
from tidemill.serve.program import ChainState, EndpointState
from tidemill.serve.rates import Recent
from tidemill.serve.readiness import ReadyAnswer, readiness_of
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Call, Route


class LiveAnswer(Struct, frozen=True):
    """The answer of `GET /live`; where the program does not answer there is none, but 503."""

    uptime_s: float


class ChainEndpoints(Struct, frozen=True):
    """The scorecards of one chain's endpoints."""

    source: str
    chain_id: int
    state: str
    tip: int | None
    endpoints: dict[str, EndpointState]

    @classmethod
    def of(cls, chain: ChainState) -> "ChainEndpoints":
        """Return what is told of `chain`."""
        return cls(chain.source, chain.chain_id, chain.state, chain.tip, chain.endpoints)


async def health(call: Call) -> Answer:
    """Say which services are up, and how the last minute was."""
    state = await call.parts[Across].state()
    found = health_of(state, call.parts[Recent].rates(state))
    return Answer(found, HTTPStatus.OK if found.is_serving else HTTPStatus.SERVICE_UNAVAILABLE)


async def ready(call: Call) -> Answer:
    """Say whether it has caught up with all that it reads, and what it waits for."""
    state = await call.parts[Across].state()
    found = readiness_of(state, call.parts[ReadySettings])
    return Answer(found, HTTPStatus.OK if found.is_ready else HTTPStatus.SERVICE_UNAVAILABLE)


async def live(call: Call) -> Answer:
    """Say that the loop that reads still turns; a source that is away is no reason to start again."""
    return Answer(LiveAnswer((await call.parts[Across].state()).uptime_s))


async def endpoints(call: Call) -> Answer:
    """Return the scorecard of every endpoint."""
    asked: EndpointsAsked = call.asked
    chains = (await call.parts[Across].state()).chains
    names = [chain.source for chain in chains]
    if asked.source not in {None, *names}:
        raise Refused(f"source: expected one of {', '.join(names)}, found {asked.source!r}")
    return Answer([ChainEndpoints.of(one) for one in chains if asked.source in {None, one.source}])


_UNHEALTHY = (HTTPStatus.SERVICE_UNAVAILABLE,)
_SCORECARDS: Any = list[ChainEndpoints]
ROUTES = (
    # for who watches over the process, and has no key
    Route(path="/health", answer=health, role=None, tells=HealthAnswer, statuses=_UNHEALTHY),
    Route(path="/ready", answer=ready, role=None, tells=ReadyAnswer, statuses=_UNHEALTHY),
    Route(path="/live", answer=live, role=None, tells=LiveAnswer),
    Route(path="/endpoints", answer=endpoints, role=Role.VIEWER, asked=EndpointsAsked, tells=_SCORECARDS),
)
