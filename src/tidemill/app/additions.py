"""What does the program add to the data API's own routes and parts?"""

from tidemill.app.export_routes import ROUTES
from tidemill.app.exports import Exports
from tidemill.app.settings import Environment
from tidemill.serve.auth.protection import Protection
from tidemill.serve.cache import Cache
from tidemill.serve.server import Additions
from tidemill.store.latest.redis_link import RedisLink


def additions_of(
    environment: Environment, version: str | None, exports: Exports | None, protection: Protection | None
) -> Additions:
    """Return what the settings ask for. Raises: Refused, where Redis' URL is none."""
    redis = environment.settings.redis
    link = RedisLink(redis) if redis.url is not None else None
    return Additions(
        routes=ROUTES,
        parts=() if exports is None else (exports,),
        protection=protection,
        is_metrics_open=environment.settings.metrics.open_to_all,
        version=version,
        cache=Cache(environment.settings.api.cache_ttl_s, link, redis.prefix),
    )
