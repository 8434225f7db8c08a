"""Whether what is stored is the same, whatever is killed on the way through Kafka."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer
from tests.servers.kafka import Broker, kafka
from tests.system.kafka_parts import open_as

from tidemill.bus.dead_letters import laid_aside

_ROOT = Path(__file__).resolve().parents[2]
_KILLS = int(os.environ.get("KAFKA_KILLS", "5"))
_PARTS = ("produce", "process", "sink")
_POISON = b"\xff\xfenot an Arrow stream"
_WAIT_S = 60


class Stream:
    """The processes of one stream."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, part: str) -> None:
        with (self._folder / f"{part}.log").open("ab") as log:
            self._running[part] = subprocess.Popen(
                [sys.executable, "-m", "tests.system.kafka_parts", part, self._url, str(self._folder)],
                cwd=_ROOT,
                stdout=log,
                stderr=log,
            )

    def kill(self, part: str) -> None:
        process = self._running[part]
        assert process.poll() is None, self.said(part)
        process.kill()
        process.wait(10)

    def ended(self, part: str) -> None:
        """Wait until a part ends by itself, in order."""
        assert self._running[part].wait(_WAIT_S) == 0, self.said(part)

    def said(self, part: str) -> str:
        return (self._folder / f"{part}.log").read_text()

    def close(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait(10)


@contextmanager
def _stream(broker: Broker, folder: Path) -> Iterator[Stream]:
    stream = Stream(broker.url("kill"), folder)
    try:
        for part in _PARTS:
            stream.start(part)
        yield stream
    finally:
        stream.close()


def _poison(broker: Broker) -> None:
    producer = Producer({"bootstrap.servers": broker.servers})
    producer.produce("kill.raw", _POISON)
    assert producer.flush(_WAIT_S) == 0


def _until(is_true: Callable[[], bool], what: Callable[[], str]) -> None:
    deadline_s = time.monotonic() + _WAIT_S
    while not is_true():
        assert time.monotonic() < deadline_s, what()
        time.sleep(0.05)  # another process's file


@pytest.mark.timeout(60 + 30 * _KILLS)
async def test_whatever_is_killed_the_table_is_that_of_an_uninterrupted_run(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    chosen = random.Random(seed)
    print(f"seed {seed}")
    with kafka() as broker, _stream(broker, tmp_path) as stream:
        for number in range(_KILLS):
            # Every part once, and then any.
            part = (*_PARTS, "broker")[number] if number < 4 else chosen.choice((*_PARTS, "broker"))
            await asyncio.sleep(chosen.uniform(0.5, 3))
            if part == "broker":
                broker.kill()
                broker.start()
                broker.wait()
            else:
                stream.kill(part)
                stream.start(part)
        _poison(broker)
        (tmp_path / "stop").touch()
        stream.ended("produce")
        stream.ended("sink")
        stream.start("straight")
        stream.ended("straight")
        assert (tmp_path / "hash").read_text() == (tmp_path / "straight-hash").read_text(), f"seed {seed}"
        async with open_as(broker.url("kill"), "reader", is_reader=True) as bus:
            (letter,) = [laid.letter for laid in await laid_aside(bus)]
            assert (letter.consumer, letter.topic, letter.stored) == ("test.doubler", "raw", _POISON)
            assert "expected an Arrow IPC stream" in letter.reason
