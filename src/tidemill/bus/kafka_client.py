"""Speak to a Kafka cluster: what clients are made with, how topics are found and made, where they end."""

import logging
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    OffsetSpec,  # pyright: ignore[reportPrivateImportUsage] the library's documentation imports it so
)
from confluent_kafka.cimpl import NewTopic

from tidemill.bus.base import BusSettings
from tidemill.bus.kafka_config import KNOWN_TOPICS, KafkaSettings, topic_settings
from tidemill.schema.faults import Fault, Refused, Unreachable

_log = logging.getLogger("tidemill.kafka")
_ANSWER_S = 10.0
_FIRST_ANSWER_S = 1.0
"""A cluster that refuses us never answers: after so long it is seen whether that is why."""
_TOPIC_POLL_S = 0.01
_LEADER_S = 2.0
_STATE = "tidemill-state"
_LASTING = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.POLICY_VIOLATION,
        KafkaError.MSG_SIZE_TOO_LARGE,
    }
)


class Lane(NamedTuple):
    """One partition of a topic, by Kafka's name."""

    name: str
    partition: int


class Location(NamedTuple):
    """Which cluster, and what the names of our topics there begin with."""

    servers: str
    prefix: str

    def named(self, name: str) -> str:
        """Return `name` after the prefix."""
        return f"{self.prefix}.{name}" if self.prefix else name


def fault_of(error: KafkaException | KafkaError, what: str) -> Fault:
    """Return the fault that Kafka's error is."""
    inner: KafkaError = error.args[0] if isinstance(error, KafkaException) else error
    kind = Refused if _is_lasting(inner) else Unreachable
    return kind(f"kafka: {what}: {inner.str()}")


def _is_lasting(error: KafkaError) -> bool:
    # of TLS a broken handshake may be a broker that ends; a certificate stays what it is
    return error.code() in _LASTING or "certificate verify failed" in error.str()


class KafkaClient:
    """The cluster as all parts of the bus see it; blocking, from any thread."""

    def __init__(self, location: Location, settings: KafkaSettings, bus: BusSettings) -> None:
        self.location = location
        self.settings = settings
        self.bus = bus
        self._refusal: KafkaError | None = None
        """What a connection was last told that cannot be otherwise at the next one."""
        how: dict[str, Any] = {**self.config(), "error_cb": self._note}
        self._admin = AdminClient(how)
        self.unique = secrets.token_hex(6)
        """A name that no other process has."""
        self._partitions: dict[str, int] = {}
        """By Kafka's name of each topic that is known to exist."""

    def config(self, **further: Any) -> dict[str, Any]:
        """Return what every client is made with, and `further`, whose names have _ for the library's dots."""
        settings = self.settings
        made: dict[str, Any] = {
            "bootstrap.servers": self.location.servers,
            "security.protocol": settings.security_protocol,
            "client.id": f"tidemill-{self.member}",
            "retry.backoff.ms": 10,  # of what a new topic or transaction asks for
            "topic.metadata.refresh.fast.interval.ms": 10,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 1_000,
            "logger": _log,
            "log_level": 2,
        }
        if settings.security_protocol.startswith("sasl"):
            made |= {
                "sasl.mechanism": settings.sasl_mechanism,
                "sasl.username": settings.sasl_username or "",
                "sasl.password": settings.sasl_password or "",
            }
        if settings.ssl_ca_location:
            made["ssl.ca.location"] = settings.ssl_ca_location
        for option in settings.options:
            name, equals, value = option.partition("=")
            if not equals:
                raise Refused(f"kafka.options: expected name=value, found {option!r}")
            made[name.strip()] = value.strip()
        return made | {name.replace("_", "."): value for name, value in further.items()}

    @property
    def member(self) -> str:
        """What this process is called."""
        return self.settings.member or "writer"

    @property
    def state_lane(self) -> Lane:
        """Where the state lies."""
        return Lane(self.location.named(_STATE), 0)

    def name_of(self, topic: str) -> str:
        """Return Kafka's name of a topic of ours."""
        return self.location.named(topic_settings(self.settings, topic).name or topic)

    def topic_of(self, name: str) -> str | None:
        """Return our name of Kafka's topic `name`; None where it is not one of ours."""
        prefix = self.location.named("")
        bare = name.removeprefix(prefix)
        if not name.startswith(prefix) or bare == _STATE or bare.startswith("__"):
            return None
        renamed = {made.name: topic for topic, made in (KNOWN_TOPICS | self.settings.topics).items()}
        return renamed.get(bare, bare)

    def partitions(self, topic: str, *, refresh: bool = False) -> int | None:
        """Return how many partitions a topic has; None where it does not exist, as far as is known.

        Raises: Unreachable, where it is asked for and nobody answers.
        """
        name = self.name_of(topic)
        if refresh and name not in self._partitions:
            self.refresh()
        return self._partitions.get(name)

    def refresh(self) -> list[str]:
        """Learn which topics exist; return Kafka's names. Raises: Unreachable, Refused."""
        what = f"expected {self.location.servers} to list its topics"
        try:
            found = self._listed().topics
        except KafkaException as error:
            raise fault_of(self._refusal or error, what) from error
        self._partitions = {
            name: len(topic.partitions)
            for name, topic in found.items()
            if topic.error is None and all(part.leader >= 0 for part in topic.partitions.values())
        }
        return sorted(self._partitions)

    def _listed(self) -> Any:
        self._refusal = None
        try:
            return self._admin.list_topics(timeout=_FIRST_ANSWER_S)
        except KafkaException:
            self._admin.poll(0)  # has `_note` called
            if self._refusal is not None:
                raise
        try:
            return self._admin.list_topics(timeout=_ANSWER_S - _FIRST_ANSWER_S)
        except KafkaException:
            self._admin.poll(0)
            raise

    def _note(self, error: KafkaError) -> None:
        if _is_lasting(error):
            self._refusal = error

    def make_topics(self, topics: Iterable[str]) -> None:
        """Make those topics that do not exist. Raises: Unreachable, Refused."""
        wanted = {self.name_of(topic): topic for topic in topics}
        lacking = [name for name in wanted if name not in self._partitions]
        if not lacking:
            return
        self.refresh()
        new = [self._new(name, wanted[name]) for name in lacking if name not in self._partitions]
        self._make(new)

    def make_state(self) -> None:
        """Make the topic of the state where it does not exist. Raises: Unreachable, Refused."""
        self.refresh()
        name = self.state_lane.name
        if name not in self._partitions:
            factor = topic_settings(self.settings, "state").replication_factor
            config = {"cleanup.policy": "compact", "max.message.bytes": self._message_bytes}
            self._make([NewTopic(name, 1, factor, config=config)])

    @property
    def _message_bytes(self) -> str:
        return str(self.settings.producer.message_bytes_max)

    def _new(self, name: str, topic: str) -> NewTopic:
        made = topic_settings(self.settings, topic)
        config = {"retention.ms": str(made.retention_ms), "max.message.bytes": self._message_bytes}
        return NewTopic(name, made.partitions, made.replication_factor, config=config)

    def _make(self, new: list[NewTopic]) -> None:
        if not new:
            return
        for name, made in self._admin.create_topics(new, operation_timeout=_ANSWER_S).items():
            try:
                made.result(_ANSWER_S)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise fault_of(error, f"expected to make the topic {name}") from error
        self._wait_for({one.topic for one in new})

    def _wait_for(self, names: set[str]) -> None:
        """Wait until the brokers have told each other of new topics."""
        deadline_s = time.monotonic() + _ANSWER_S
        while not names <= set(self.refresh()):
            if time.monotonic() > deadline_s:
                raise Unreachable(f"kafka: expected the new topics {sorted(names)} to be there by now")
            time.sleep(_TOPIC_POLL_S)

    def ends(self, lanes: Iterable[Lane], *, committed: bool = False) -> dict[Lane, int]:
        """Return the offset after the last record of each, of open transactions too unless `committed`.

        Raises: Unreachable, Refused.
        """
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        return self._offsets(dict.fromkeys(lanes, OffsetSpec.latest()), level)

    def places(self, group: str, lanes: Iterable[Lane]) -> dict[Lane, int]:
        """Return the offset that a group takes next of each, where it committed one.

        Raises: Unreachable, Refused.
        """
        asked = [TopicPartition(lane.name, lane.partition) for lane in lanes]
        if not asked:
            return {}
        request = [ConsumerGroupTopicPartitions(group, asked)]
        try:
            answer = self._admin.list_consumer_group_offsets(request, request_timeout=_ANSWER_S)[group]
            told = answer.result(_ANSWER_S).topic_partitions
        except KafkaException as error:
            raise fault_of(error, f"expected to be told where {group} is") from error
        except TimeoutError as error:
            raise Unreachable(f"kafka: expected an answer of {self.location.servers}") from error
        return {Lane(place.topic, place.partition): place.offset for place in told if place.offset >= 0}

    def firsts(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        """Return the lowest offset of each that is kept. Raises: Unreachable, Refused."""
        return self._offsets(dict.fromkeys(lanes, OffsetSpec.earliest()), IsolationLevel.READ_UNCOMMITTED)

    def _offsets(self, asked: Mapping[Lane, Any], level: IsolationLevel) -> dict[Lane, int]:
        if not asked:
            return {}
        deadline_s = time.monotonic() + _LEADER_S
        while True:
            try:
                return self._offsets_now(asked, level)
            except Unreachable:  # as it is for a moment after topics are made, or a broker began
                if time.monotonic() > deadline_s:
                    raise
            time.sleep(_TOPIC_POLL_S)

    def _offsets_now(self, asked: Mapping[Lane, Any], level: IsolationLevel) -> dict[Lane, int]:
        places = {TopicPartition(lane.name, lane.partition): spec for lane, spec in asked.items()}
        try:
            futures = self._admin.list_offsets(places, isolation_level=level, request_timeout=_ANSWER_S)
            return {
                Lane(place.topic, place.partition): future.result(_ANSWER_S).offset
                for place, future in futures.items()
            }
        except KafkaException as error:
            raise fault_of(error, "expected to be told where topics begin and end") from error
        except TimeoutError as error:
            raise Unreachable(f"kafka: expected an answer of {self.location.servers}") from error

    def identity(self) -> str:
        """Return 16 characters that name the state's topic: one made anew has others."""
        from confluent_kafka import TopicCollection

        try:
            name = self.state_lane.name
            told = self._admin.describe_topics(TopicCollection([name]), request_timeout=_ANSWER_S)
            topic_id = told[name].result(_ANSWER_S).topic_id
        except KafkaException as error:
            raise fault_of(error, "expected to be told of the state's topic") from error
        most, least = topic_id.get_most_significant_bits(), topic_id.get_least_significant_bits()
        return f"{(most ^ least) & ((1 << 64) - 1):016x}"


def location_of(url: str) -> Location:
    """Return what `HOST:PORT[,HOST:PORT][/PREFIX]` says. Raises: Refused."""
    servers, _, prefix = url.partition("/")
    if not servers or any(not server.rpartition(":")[2].isdigit() for server in servers.split(",")):
        raise Refused(f"bus url: expected kafka://HOST:PORT[,HOST:PORT]/PREFIX, found kafka://{url}")
    return Location(servers, prefix.strip("/"))
