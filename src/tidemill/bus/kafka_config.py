"""How is Kafka spoken to, and how are topics made there; apart from it, so that settings need no library."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

_Positive = Annotated[int, Meta(ge=1)]
_Name = Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,200}$")]


class KafkaTopic(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [kafka.topics.TOPIC]: how a topic is made there; one that exists stays as it is."""

    name: _Name | None = None
    """What it is called on Kafka, after the prefix of the bus; absent: as here."""
    partitions: Annotated[int, Meta(ge=1, le=1_000)] = 1
    """More than one lets so many processes share it; its order is then kept within each key alone."""
    key: str = "source"
    """The column whose value says to which partition a row goes."""
    replication_factor: _Positive = 1
    """On how many brokers it lies; one broker cannot hold more than one."""
    retention_ms: _Positive = 604_800_000
    """How long it is kept: 7 days."""


class KafkaProducerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [kafka.producer]."""

    compression_type: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "lz4"
    """Of batches of messages: half the bytes at next to no time."""
    batch_size_bytes: _Positive = 65_536
    """Messages to one partition go together up to this size."""
    linger_ms: Annotated[int, Meta(ge=0, le=10_000)] = 10
    """How long a message waits for others; a commit that ends a transaction sends at once."""
    message_bytes_max: Annotated[int, Meta(ge=65_536, le=500_000_000)] = 16 << 20
    """The largest message; a batch of more rows is sent in parts. The broker's own topics hold less."""
    transaction_timeout_ms: Annotated[int, Meta(ge=1_000, le=900_000)] = 10_000
    """After so long the broker gives up the transaction of a process that died; until then readers wait."""


class KafkaConsumerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [kafka.consumer]: how processors take what is on the bus."""

    group_id: _Name = "arbitrage-backend"
    """Processes with the same share the partitions."""
    auto_offset_reset: Literal["earliest", "latest"] = "latest"
    """Where a new group begins."""
    max_poll_records: _Positive = 1_000
    """How many messages one transaction takes at most."""
    session_timeout_ms: Annotated[int, Meta(ge=1_000, le=600_000)] = 10_000
    """A process that is silent for so long loses its partitions to the others."""


class KafkaSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [kafka]; `bus.url = "kafka://HOST:PORT[,HOST:PORT]/PREFIX"` says that it is used."""

    bootstrap_servers: str = ""
    """`HOST:PORT[,HOST:PORT]`: where it is set and `bus.url` is not, the bus is there, without a prefix."""
    member: _Name | None = None
    """What this process is called: of two with the same, the later takes over, and the earlier one ends.
    Absent: `writer` where it runs everything, else a name that no other has."""
    security_protocol: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    """Whether connections are encrypted, and whether we say who we are."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    """How we say it."""
    sasl_username: str | None = None
    sasl_password: str | None = None
    """From the environment."""
    ssl_ca_location: str | None = None
    """The file with the authorities that are trusted; absent: the system's."""
    options: tuple[str, ...] = ()
    """Further `name=value` of librdkafka, such as `ssl.certificate.location=/etc/tidemill/client.pem`."""
    topics: dict[str, KafkaTopic] = {}
    """How topics are made that are not to be made as usual."""
    producer: KafkaProducerSettings = KafkaProducerSettings()
    consumer: KafkaConsumerSettings = KafkaConsumerSettings()


KNOWN_TOPICS = {
    "arbitrage_transaction": KafkaTopic(name="arbitrage-transactions", partitions=10, key="tx_hash"),
    "opportunity": KafkaTopic(name="arbitrage-opportunities", partitions=5),
    "opportunity_risk": KafkaTopic(name="risk-metrics", partitions=3),
    "whale_trade": KafkaTopic(name="whale_activity"),
    "trade": KafkaTopic(name="market_trades"),
    "book_change": KafkaTopic(name="order_books"),
}
"""The topics that have a name or a number of partitions of their own, unless the settings say otherwise."""


def topic_settings(settings: KafkaSettings, topic: str) -> KafkaTopic:
    """Return how `topic` is to be made."""
    return settings.topics.get(topic) or KNOWN_TOPICS.get(topic) or KafkaTopic()
