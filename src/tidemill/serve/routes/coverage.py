"""What is told of the completeness of what is stored."""

from tidemill.serve.across import Across
from tidemill.serve.asked import CoverageAsked
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Call, Route
from tidemill.store.coverage import coverage_of, require_complete


async def coverage(call: Call) -> Answer:
    """Return what is complete and what is missing, as `tidemill coverage --json` prints it."""
    asked: CoverageAsked = call.asked
    level = asked.wanted()
    found = await coverage_of(call.parts[Across], asked.source, asked.from_block, asked.to_block, level)
    if asked.require is not None:
        require_complete(found)
    told = [one.to_json() for one in found]
    if asked.gaps:
        return Answer([{name: one[name] for name in ("source", "gaps")} for one in told])
    return Answer(told)


ROUTES = (Route(path="/coverage", answer=coverage, role=Role.VIEWER, asked=CoverageAsked),)
