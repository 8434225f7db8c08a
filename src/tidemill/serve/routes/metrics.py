"""What Prometheus reads, on the data API's own port."""

from starlette.responses import Response

from tidemill.core.metrics import Metrics
from tidemill.serve.across import Across
from tidemill.serve.collecting import families
from tidemill.serve.role import Role
from tidemill.serve.route import Call, Route

PATH = "/metrics"
_MEDIA_TYPES = ("text/plain", "application/openmetrics-text")


async def metrics(call: Call) -> Response:
    """Tell every metric: the state is read once, then."""
    state = await call.parts[Across].state()
    told = call.parts[Metrics].told(families(state), call.request.headers.get("accept", ""))
    return Response(told.body, headers={"Content-Type": told.content_type})


ROUTES = (Route(path=PATH, answer=metrics, role=Role.VIEWER, tells=str, media_types=_MEDIA_TYPES),)
