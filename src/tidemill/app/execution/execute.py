"""`tidemill execute`: take trade signals over HTTP and WebSocket, on paper or live, until stopped."""

import asyncio
import logging

from tidemill.app.execution.execution import Opened, open_execution
from tidemill.app.running import run
from tidemill.app.settings import Environment
from tidemill.core.log import logging_to
from tidemill.core.pauses import avoid_pauses

_log = logging.getLogger("tidemill.execute")
_LINE = "=" * 80
_ENDPOINTS = """\
  POST /execute        - Execute single trade signal
  POST /execute/batch  - Execute multiple signals
  POST /simulate       - Simulate trade without execution
  GET  /health         - Server health check
  GET  /stats          - Execution statistics
  GET  /limits         - What no trade may go beyond
  WS   /               - WebSocket for real-time updates"""


def main(environment: Environment, confirm: str | None = None) -> int:
    """Serve until a signal; return the exit code. `confirm` is the account that LIVE may trade with.

    Raises: Refused, where a setting does not fit, the port is taken, or another process writes to the ledger.
    """
    settings = environment.settings
    with logging_to(environment.paths.logs, settings.log, environment.redactor, console=True):
        run(_serve(environment, confirm))
        _log.info("stopped")
    return 0


async def _serve(environment: Environment, confirm: str | None) -> None:
    async with open_execution(environment, confirm=confirm) as opened:
        avoid_pauses()
        print(banner(opened, environment), flush=True)
        await run_execution(opened)


async def run_execution(opened: Opened) -> None:
    """Take signals until cancelled; the first bug ends it."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(opened.desk.run(), name="desk")
        tasks.create_task(opened.protection.run(), name="execution protection")
        tasks.create_task(opened.serve(), name="execution server")


def banner(opened: Opened, environment: Environment) -> str:
    """Return what is shown at the start."""
    url = opened.port.url.replace("127.0.0.1", environment.settings.execution.host)
    executor = environment.settings.execution.executor_address or "NOT SET"
    return "\n".join(
        [
            _LINE,
            "tidemill execution server online",
            _LINE,
            f"  Mode: {opened.desk.mode}",
            f"  HTTP: {url}",
            f"  WebSocket: {url.replace('http', 'ws', 1)}",
            f"  Chains: {len(opened.desk.lanes)} configured",
            f"  Executor: {executor}",
            _LINE,
            _ENDPOINTS,
        ]
    )
