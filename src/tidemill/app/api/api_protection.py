"""Give what protects the data API its surroundings: the registry, Redis, the folder of the log."""

from contextlib import AbstractContextManager
from pathlib import Path

from tidemill.app.settings import Environment
from tidemill.serve.auth.protection import Protection, Surroundings, protecting


def protecting_api(
    environment: Environment, logs: Path | None = None, shared_secret: bytes | None = None
) -> AbstractContextManager[Protection]:
    """Open what stands before the data API's routes; `logs` is another folder for who did what, and
    `shared_secret` is known to all workers of one port.

    Raises: Refused, Unreachable.
    """
    settings = environment.settings
    around = Surroundings(
        registry_url=environment.registry_url,
        registry=settings.registry,
        redis=settings.redis,
        logs=logs or environment.paths.logs,
        redactor=environment.redactor,
        shared_secret=shared_secret,
    )
    return protecting(settings.api, around)
