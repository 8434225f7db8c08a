"""`tidemill alerts test`: send a message by every route of alerts, and say whether it was taken."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from tidemill.app.settings import Environment
from tidemill.core.clock import SystemClock
from tidemill.schema.faults import Fault
from tidemill.serve.alerting.alerting import Alerting
from tidemill.serve.alerting.notice import Notice
from tidemill.serve.alerting.route import ask
from tidemill.serve.monitor import Alert


def test(environment: Environment) -> int:
    """Print a line a route; return 0 where each took its message. Raises: Refused, where one cannot work."""
    return asyncio.run(_test(environment))


async def _test(environment: Environment) -> int:
    settings, clock = environment.settings.alerts, SystemClock()
    alerting = Alerting(settings, clock, environment.redactor)
    now_ns = clock.now_ns()
    notice = Notice(
        id=f"{alerting.instance}-test-{now_ns}",
        instance=alerting.instance,
        state="raised",
        alert=Alert(
            name="test",
            is_raised=True,
            value=1,
            limit=0,
            time_ns=now_ns,
            message="a message to try the route",
        ),
        times=1,
    )
    asked: dict[str, Coroutine[Any, Any, None]] = {
        name: route.send(notice, now_ns) for name, route in alerting.routes.items()
    }
    if settings.heartbeat.ping_url is not None:
        asked["heartbeat"] = ask("GET", settings.heartbeat.ping_url, "alerts.heartbeat")
    if not asked:
        print("nobody is told: expected at least one route in [alerts], found none")
        return 1
    answers = await asyncio.gather(*asked.values(), return_exceptions=True)
    for name, answer in zip(asked, answers, strict=True):
        if answer is not None and not isinstance(answer, Fault):
            raise answer
        why = "" if answer is None else f": {environment.redactor(str(answer))}"
        print(f"{'FAIL' if why else 'ok  '} {name}{why}")
    return 1 if any(answers) else 0
