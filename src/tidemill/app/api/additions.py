"""What does the program add to the data API's own routes and parts?"""

from typing import TYPE_CHECKING

from tidemill.app.execution import execution_routes, kill_routes
from tidemill.app.exporting import export_routes
from tidemill.app.exporting.exports import Exports
from tidemill.app.settings import Environment
from tidemill.app.whales import whale_routes
from tidemill.app.whales.whale_routes import WhaleRegistry
from tidemill.execute.live.kill_switch import KillSwitch
from tidemill.serve.auth.protection import Protection
from tidemill.serve.cache import Cache
from tidemill.serve.server import Additions
from tidemill.store.latest.redis_link import RedisLink

if TYPE_CHECKING:
    from tidemill.app.traces import Traces  # of libraries that only who traces loads

ROUTES = (*export_routes.ROUTES, *whale_routes.ROUTES, *kill_routes.ROUTES, *execution_routes.API_ROUTES)


def additions_of(
    environment: Environment,
    version: str | None,
    exports: Exports | None,
    protection: Protection | None,
    *beside: object,
    traces: "Traces | None",
) -> Additions:
    """Return what the settings ask for; routes answer from what runs `beside`, too, and `traces` is told of
    requests.

    Raises: Refused, where Redis' URL is none.
    """
    redis, api = environment.settings.redis, environment.settings.api
    link = RedisLink(redis) if redis.url is not None else None
    parts = (WhaleRegistry(environment), KillSwitch(environment.paths.data))
    return Additions(
        routes=ROUTES,
        parts=(*parts, *beside, *(() if exports is None else (exports,))),
        protection=protection,
        is_metrics_open=environment.settings.metrics.open_to_all,
        version=version,
        ready=environment.settings.monitoring.ready,
        cache_max_bytes=api.cache_max_bytes,
        told=None if traces is None else traces.asked,
        cache=Cache(api.cache_ttl_s, link, redis.prefix, api.cache_max_bytes),
    )
