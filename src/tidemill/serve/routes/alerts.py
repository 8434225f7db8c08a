"""What is told of limits that are passed."""

from tidemill.serve.collector import MetricsCollector
from tidemill.serve.monitor import Alert
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Call, Route


async def alerts(call: Call) -> Answer:
    """List the alerts that are raised and not over, the first one raised first."""
    return Answer(call.parts[MetricsCollector].raised)


ROUTES = (Route(path="/alerts", answer=alerts, role=Role.VIEWER, tells=list[Alert]),)
