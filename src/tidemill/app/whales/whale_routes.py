"""What the data API answers of the registry of whales, and its two switches."""

import asyncio

from msgspec import Struct

from tidemill.app.settings import Environment
from tidemill.schema.faults import Malformed, Refused
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Call, Route
from tidemill.store.registry import Whale, open_registry

_PATH = "/whales"


class WhaleRegistry:
    """The registry that the settings name, opened for each question: they are few."""

    def __init__(self, environment: Environment) -> None:
        self._url = environment.registry_url
        self._settings = environment.settings.registry

    async def whales(self) -> list[Whale]:
        """Return all. Raises: Unreachable, Refused."""
        return await asyncio.to_thread(self._whales)

    async def switch(self, address: str, switches: dict[str, bool]) -> None:
        """Turn what is named. Raises: Unknown, Malformed, Unreachable, Refused."""
        await asyncio.to_thread(self._switch, address, switches)

    def _whales(self) -> list[Whale]:
        with open_registry(self._url, self._settings) as registry:
            return list(registry.whales().values())

    def _switch(self, address: str, switches: dict[str, bool]) -> None:
        with open_registry(self._url, self._settings) as registry:
            for name, is_on in switches.items():
                registry.switch([address], name, is_on=is_on)


class WhaleAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which whale."""

    address: str


class SwitchesSent(Struct, frozen=True, forbid_unknown_fields=True):
    """How its switches are turned; one that is not given stays as it is."""

    is_enabled: bool | None = None
    """Whether its trades are told."""
    is_copying_enabled: bool | None = None
    """Whether its positions are copied."""


class Turned(Struct, frozen=True):
    """Which whale was turned."""

    address: str


async def whales(call: Call) -> Answer:
    """List the registry's whales, the first one added first."""
    return Answer(await call.parts[WhaleRegistry].whales())


async def switch(call: Call) -> Answer:
    """Turn a whale's switches: whether its trades are told, and copied."""
    body: SwitchesSent = call.body
    named = {"is_enabled": body.is_enabled, "is_copying_enabled": body.is_copying_enabled}
    given = {name: is_on for name, is_on in named.items() if is_on is not None}
    if not given:
        raise Refused("body: expected is_enabled or is_copying_enabled, found neither")
    try:
        await call.parts[WhaleRegistry].switch(call.asked.address, given)
    except Malformed as fault:
        raise Refused(f"address: {fault}") from None
    return Answer(Turned(call.asked.address))


ROUTES = (
    Route(path=_PATH, answer=whales, role=Role.VIEWER, tells=list[Whale]),
    Route(
        path="/whales/{address}",
        method="PATCH",
        answer=switch,
        role=Role.TRADER,
        asked=WhaleAsked,
        body=SwitchesSent,
        tells=Turned,
    ),
)
