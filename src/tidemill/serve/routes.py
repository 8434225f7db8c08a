"""What does each route of the data API answer."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from msgspec import Struct

from tidemill.schema.faults import Refused
from tidemill.serve.across import Across
from tidemill.serve.asked import CoverageAsked, EndpointsAsked, Nothing
from tidemill.serve.health import health_of
from tidemill.serve.program import ChainState, EndpointState
from tidemill.serve.rates import Recent
from tidemill.store.coverage import coverage_of, require_complete


class Answer(NamedTuple):
    """What is sent back, as JSON."""

    value: Any
    status: HTTPStatus = HTTPStatus.OK


class Route(NamedTuple):
    """One path, what it may be asked, and what answers it."""

    path: str
    asked: type[Struct]
    answer: Callable[["Answers", Any], Awaitable[Answer]]


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


class Table(Struct, frozen=True):
    """How much one table holds."""

    rows: int
    bytes_on_disk: int


class Answers:
    """Answers every route from the running program."""

    def __init__(self, program: Across, recent: Recent) -> None:
        self._program = program
        self._recent = recent

    async def health(self, _: Nothing) -> Answer:
        """Say which services are up, and how the last minute was."""
        state = await self._program.state()
        found = health_of(state, self._recent.rates(state))
        return Answer(found, HTTPStatus.OK if found.is_serving else HTTPStatus.SERVICE_UNAVAILABLE)

    async def endpoints(self, asked: EndpointsAsked) -> Answer:
        """Return the scorecards. Raises: Refused, where there is no such source."""
        chains = (await self._program.state()).chains
        names = [chain.source for chain in chains]
        if asked.source not in {None, *names}:
            raise Refused(f"source: expected one of {', '.join(names)}, found {asked.source!r}")
        return Answer([ChainEndpoints.of(one) for one in chains if asked.source in {None, one.source}])

    async def coverage(self, asked: CoverageAsked) -> Answer:
        """Return what is complete and what is missing, as `tidemill coverage --json` prints it.

        Raises: Refused, where there is no such source or the range is none; Gap, where `require` is not met.
        """
        level = asked.wanted()
        found = await coverage_of(self._program, asked.source, asked.from_block, asked.to_block, level)
        if asked.require is not None:
            require_complete(found)
        told = [one.to_json() for one in found]
        return Answer(
            [{name: one[name] for name in ("source", "gaps")} for one in told] if asked.gaps else told
        )

    async def stats(self, _: Nothing) -> Answer:
        """Return rows and bytes of every table."""
        sizes = await self._program.sizes()
        return Answer({"tables": {one.table: Table(one.rows, one.bytes_on_disk) for one in sizes}})


ROUTES = (
    Route("/health", Nothing, Answers.health),
    Route("/endpoints", EndpointsAsked, Answers.endpoints),
    Route("/coverage", CoverageAsked, Answers.coverage),
    Route("/stats", Nothing, Answers.stats),
)
