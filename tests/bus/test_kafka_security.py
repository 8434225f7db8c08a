"""Whether a broker is spoken to that takes only those who say who they are, over TLS."""

import asyncio
import secrets
from collections.abc import Iterator
from typing import Literal

import pytest
from msgspec import structs
from tests.servers.kafka import Broker, kafka
from tests.store.samples import swap

from tidemill.bus import open_bus
from tidemill.bus.kafka_config import KafkaConsumerSettings, KafkaSettings
from tidemill.schema import derive
from tidemill.schema.faults import Refused

_NAME, _PASSWORD = "tidemill", secrets.token_hex(8)


@pytest.fixture(scope="module")
def secured() -> Iterator[Broker]:
    with kafka((_NAME, _PASSWORD)) as running:
        yield running


def _settings(
    broker: Broker, mechanism: Literal["PLAIN", "SCRAM-SHA-512"] = "SCRAM-SHA-512", password: str = _PASSWORD
) -> KafkaSettings:
    return KafkaSettings(
        security_protocol="sasl_ssl",
        sasl_mechanism=mechanism,
        sasl_username=_NAME,
        sasl_password=password,
        ssl_ca_location=str(broker.authority),
        consumer=KafkaConsumerSettings(auto_offset_reset="earliest"),
    )


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_what_is_committed_is_read_and_taken(
    secured: Broker, mechanism: Literal["PLAIN", "SCRAM-SHA-512"]
) -> None:
    rows = derive.to_batch([swap(1), swap(2)])
    url = secured.url(mechanism.lower())
    async with open_bus(url, kafka=_settings(secured, mechanism)) as bus:
        [offset] = await bus.commit([("raw", rows)], {b"place": b"1"})
        [entry] = await bus.read("raw", offset, batches_max=1, wait_ms=10_000)
        assert entry.batch == rows
        assert await bus.get(b"place") == b"1"
        async with bus.intake("group", ["raw"]) as intake:
            taken = []
            while not taken:
                taken = await intake.take(wait_ms=10_000)
            assert [message.content for message in taken] == [rows]
            await intake.commit([("made", rows)], taken)
            async with asyncio.timeout(60):
                # the broker marks a transaction's topics and its group's offsets one after the other
                while not (waiting := await bus.waiting("group", ["raw"])):  # noqa: ASYNC110 Kafka tells nobody
                    await asyncio.sleep(0.05)
            assert waiting == await intake.lag()


async def test_a_wrong_password_is_refused_and_says_so(secured: Broker) -> None:
    wrong = _settings(secured, password="not it")
    with pytest.raises(Refused, match=r"expected 127.0.0.1:\d+ to list its topics: .*[Aa]uthentication"):
        async with open_bus(secured.url("wrong"), kafka=wrong):
            pass


async def test_a_broker_that_nobody_vouches_for_is_refused(secured: Broker) -> None:
    of_the_system = structs.replace(_settings(secured), ssl_ca_location=None)
    with pytest.raises(Refused, match="certificate verify failed"):
        async with open_bus(secured.url("unknown"), kafka=of_the_system):
            pass
