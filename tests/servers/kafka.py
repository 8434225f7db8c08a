"""Run a real Apache Kafka broker, which is its own controller, in a temporary folder."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .programs import SERVICES, free_port

_HEAP = "-Xmx512m"
# The rest of the machine is for what is tested: few threads, no compaction of what lives a minute.
_JAVA = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.awt.headless=true"]
_CLUSTER = "dGlkZW1pbGwtLXRlc3RzIQ"


class Broker:
    """A broker's process on a port of its own; `kill` and `start` it as often as the test likes.

    With a `user` and a password it takes nobody else, by PLAIN or SCRAM-SHA-512 over TLS alone.
    """

    def __init__(self, folder: Path, user: tuple[str, str] | None = None) -> None:
        self.port = free_port()
        self.authority = folder / "broker.pem"
        """The broker's certificate, which it signed itself; of one with a user."""
        self._user = user
        self._folder = folder
        self._config = folder / "server.properties"
        self._classes = f"{_jars()}/*"
        self._process: subprocess.Popen[bytes] | None = None
        self._make()

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, prefix: str) -> str:
        return f"kafka://{self.servers}/{prefix}"

    def _make(self) -> None:
        controller = free_port()
        settings: dict[str, object] = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self._folder / "log",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            # A transaction whose process was killed is given up soon, so that a test need not wait.
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": 200,
            # One that was killed may come back at once.
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 500,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "log.cleaner.enable": "false",
            "num.network.threads": 2,
            "num.io.threads": 2,
        }
        format_options: list[str] = []
        if self._user is not None:
            name, password = self._user
            settings |= self._secured(controller, name, password)
            format_options = ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
        self._config.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        subprocess.run(
            [
                *(*_java(), "-cp", self._classes, "kafka.tools.StorageTool", "format"),
                *("-t", _CLUSTER, "-c", str(self._config)),
                *format_options,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )

    def _secured(self, controller: int, name: str, password: str) -> dict[str, object]:
        """Make a certificate, and return the settings that ask for it and for who one is."""
        store, secret = self._folder / "broker.p12", "of-the-store"
        held = ["-alias", "broker", "-keystore", str(store), "-storepass", secret]
        making = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-storetype", "PKCS12"]
        whose = ["-validity", "2", "-dname", "CN=localhost", "-ext", "SAN=dns:localhost,ip:127.0.0.1"]
        for command in ([*making, *whose], ["-exportcert", "-rfc", "-file", str(self.authority)]):
            subprocess.run(["keytool", *command, *held], check=True, capture_output=True, timeout=60)
        package, mechanism = "org.apache.kafka.common.security", "listener.name.sasl_ssl"
        users = f'username="{name}" password="{password}" user_{name}="{password}"'
        plain = f"{package}.plain.PlainLoginModule required {users};"
        return {
            "listeners": f"SASL_SSL://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"SASL_SSL://127.0.0.1:{self.port}",
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "SASL_SSL",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            f"{mechanism}.plain.sasl.jaas.config": plain,
            f"{mechanism}.scram-sha-512.sasl.jaas.config": f"{package}.scram.ScramLoginModule required;",
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.location": store,
            "ssl.keystore.password": secret,
            "ssl.truststore.type": "PEM",  # it speaks to itself, too
            "ssl.truststore.location": self.authority,
        }

    def start(self) -> None:
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_java(), "-cp", self._classes, "kafka.Kafka", str(self._config)], stdout=log, stderr=log
            )

    def wait(self) -> None:
        """Wait until it answers."""
        assert self._process is not None
        deadline_s = time.monotonic() + 60
        while not _accepts(self.port):
            assert self._process.poll() is None, (self._folder / "broker.log").read_text()
            assert time.monotonic() < deadline_s, "the broker did not begin within a minute"
            time.sleep(0.02)  # nothing tells of a port that opens

    def kill(self) -> None:
        """End it as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


@contextmanager
def kafka(user: tuple[str, str] | None = None) -> Iterator[Broker]:
    """Run a broker that answers while the context is open."""
    folder = Path(tempfile.mkdtemp(prefix="tidemill-kafka-"))
    made: Broker | None = None
    try:
        made = Broker(folder, user)
        made.start()
        made.wait()
        yield made
    finally:
        if made is not None:
            made.kill()
        shutil.rmtree(folder)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _java() -> list[str]:
    return [shutil.which("java") or "java", _HEAP, *_JAVA]


def _jars() -> Path:
    if os.environ.get("SERVICES") == "none":
        pytest.skip("needs kafka; SERVICES=none was asked for")
    folder = SERVICES / "kafka"
    if not folder.is_dir() or shutil.which("java") is None:
        pytest.fail("needs kafka; `make services` fetches it")
    return folder
