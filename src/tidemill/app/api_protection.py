"""Give what protects the data API its surroundings: the registry, Redis, the folder of the log."""

from contextlib import AbstractContextManager

from tidemill.app.settings import Environment
from tidemill.serve.auth.protection import Protection, Surroundings, protecting


def protecting_api(environment: Environment) -> AbstractContextManager[Protection]:
    """Open what stands before the data API's routes. Raises: Refused, Unreachable."""
    settings = environment.settings
    around = Surroundings(
        registry_url=environment.registry_url,
        registry=settings.registry,
        redis=settings.redis,
        logs=environment.paths.logs,
        redactor=environment.redactor,
    )
    return protecting(settings.api, around)
