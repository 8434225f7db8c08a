"""`tidemill dead-letters`: show what could not be taken in, and give it to who could not once more."""

import asyncio
import time
from typing import Any

import msgspec
from msgspec import structs

from tidemill.app.settings import Environment
from tidemill.bus import Bus, open_bus
from tidemill.bus.base import consumer_key, offset_value
from tidemill.bus.dead_letters import Laid, laid_aside, retry_topic
from tidemill.bus.kafka_codec import decode
from tidemill.schema.faults import Malformed

_MEMBER = "dead-letters"


def list_all(environment: Environment, topic: str | None, *, is_json: bool) -> int:
    """Print every dead letter that is kept; return the exit code. Raises: Unreachable, Refused."""

    async def find() -> list[tuple[Laid, bool]]:
        async with _bus(environment, is_reader=True) as bus:
            return [(laid, await _is_replayed(bus, laid)) for laid in await laid_aside(bus, topic)]

    found = asyncio.run(find())
    for laid, is_replayed in found:
        print(_line(laid, is_replayed, is_json=is_json))
    if not found and not is_json:
        print("no dead letters")
    return 0


def replay(environment: Environment, topic: str | None, *, is_json: bool) -> int:
    """Give again what was not given again before; return 1 where some cannot be read still.

    Raises: Unreachable; Refused, where another process writes to the bus.
    """

    async def give() -> tuple[int, int]:
        async with _bus(environment, is_reader=False) as bus:
            return await replay_all(bus, topic)

    given, unread = asyncio.run(give())
    told = {"replayed": given, "unreadable": unread}
    print(
        msgspec.json.encode(told).decode()
        if is_json
        else f"{given} given again, {unread} cannot be read still and stay"
    )
    return 1 if unread else 0


async def replay_all(bus: Bus, topic: str | None) -> tuple[int, int]:
    """Give every dead letter to its consumer again, and keep in the same transaction that it was.

    Returns: how many were, and how many cannot be read still.
    """
    given = unread = 0
    for laid in await laid_aside(bus, topic):
        if await _is_replayed(bus, laid):
            continue
        try:
            batch = decode(laid.letter.stored, f"{laid.topic} offset {laid.offset}")
        except Malformed:
            unread += 1
            continue
        again = retry_topic(laid.letter.consumer, laid.letter.topic)
        await bus.commit([(again, batch)], {_mark(laid): offset_value(laid.offset)})
        given += 1
    return given, unread


async def _is_replayed(bus: Bus, laid: Laid) -> bool:
    return await bus.get(_mark(laid)) is not None


def _mark(laid: Laid) -> bytes:
    return (
        consumer_key(_MEMBER, laid.topic).replace(b"consumer/", b"replayed/", 1) + f"/{laid.offset}".encode()
    )


def _line(laid: Laid, is_replayed: bool, *, is_json: bool) -> str:
    letter = laid.letter
    if is_json:
        told: dict[str, Any] = {**letter._asdict(), "dead_letter": laid.offset, "replayed": is_replayed}
        told["stored"] = f"0x{letter.stored.hex()}"
        return msgspec.json.encode(told).decode()
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(letter.failed_ns // 1_000_000_000))
    state = "replayed" if is_replayed else "waits"
    return f"{when} {letter.topic} {letter.offset} {letter.consumer} {state}: {letter.reason}"


def _bus(environment: Environment, *, is_reader: bool) -> Bus:
    settings = environment.settings
    kafka = structs.replace(settings.kafka, member=settings.kafka.member or _MEMBER)
    return open_bus(environment.bus_url, settings.bus, is_reader=is_reader, kafka=kafka)
