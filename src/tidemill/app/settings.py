"""Compose every owner's settings into one struct, and find the file and the folder that they name."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct, structs

from tidemill.app.brain.config import BrainSettings
from tidemill.app.memory_budget import MemorySettings, within
from tidemill.app.traces_config import TracesSettings
from tidemill.bus import BusSettings
from tidemill.bus.kafka_config import KafkaSettings
from tidemill.chains.evm.config import EvmConfig, Positive
from tidemill.chains.solana.config import SolanaConfig
from tidemill.core.config import Loaded, load, read_env_file
from tidemill.core.log import LogConfig
from tidemill.core.redact import Redactor
from tidemill.execute.config import ExecutionSettings
from tidemill.export.config import ExportConfig
from tidemill.learn.config import MlSettings
from tidemill.process.features.config import FeatureConfig
from tidemill.process.opportunities import SearchConfig
from tidemill.process.whales.config import WhaleConfig
from tidemill.schema.faults import Refused
from tidemill.serve.alerting.config import AlertsSettings
from tidemill.serve.config import ApiSettings, MetricsSettings, MonitoringSettings
from tidemill.store import StoreSettings, WriterSettings
from tidemill.store.latest_config import RedisSettings
from tidemill.store.line_protocol_config import InfluxSettings
from tidemill.store.registry_config import RegistrySettings
from tidemill.venues.feed_config import FeedConfig
from tidemill.venues.polymarket_config import PolymarketConfig
from tidemill.venues.sei.config import SeiConfig
from tidemill.venues.subgraph_config import SubgraphConfig

FILE_NAME = "tidemill.toml"
FILE_VARIABLE = "TIDEMILL_CONFIG"
ALIASES = {
    "LOG_LEVEL": "log.level",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka.bootstrap_servers",
    "PROMETHEUS_PORT": "metrics.port",
    "CLICKHOUSE_URL": "store.url",
    "DATABASE_URL": "registry.url",
    "REDIS_URL": "redis.url",
    "JWT_SECRET": "api.auth.jwt_secret",
    "INFLUXDB_URL": "influxdb.url",
    "INFLUXDB_TOKEN": "influxdb.token",
    "INFLUXDB_ORG": "influxdb.org",
    "INFLUXDB_BUCKET": "influxdb.bucket",
    "USE_WEBSOCKETS": "ingest.use_websockets",
    "REAL_DATA_POLLING_INTERVAL": "ingest.polling_interval_s",
    "ENABLE_RUST_ENGINE": "pool_server.enabled",
    "RUST_SERVER_PORT": "pool_server.port",
    "ENABLE_ML_MODELS": "ml.enabled",
    "ML_MODELS_TRAINED": "ml.models_trained",
    "ML_AUTO_RETRAIN": "ml.auto_retrain",
    "POLYMARKET_WS_URL": "venues.polymarket.ws_url",
    "TRADING_ENABLED": "whales.copy_enabled",
    "TRADING_MAX_POSITION_USDC": "whales.copy_cost_max",
    "SEI_WS_URL": "venues.sei.ws_url",
    "SEI_RPC_URL": "venues.sei.http_url",
    "SEI_CHAIN_ID": "venues.sei.chain_id",
    "EXECUTION_MODE": "execution.mode",
    "EXECUTION_HOST": "execution.host",
    "EXECUTION_PORT": "execution.port",
    "EXECUTOR_ADDRESS": "execution.executor_address",
    "EXECUTION_CONFIRM": "execution.live.confirm",
}
"""Environment names that users' shells have already, and the setting that each stands for."""
SECRET_VARIABLES = ("PRIVATE_KEY", "KEYSTORE_PASSWORD", "RELAY_IDENTITY_KEY")
"""What only the environment has, and nothing may show."""
IntervalSeconds = Annotated[float, Meta(ge=0.001, le=86_400)]


class DataSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [data]."""

    dir: str = "data"
    """The folder of everything that is kept: bus, store, logs, recordings."""


class BusSection(BusSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [bus]."""

    url: str = "lmdb://bus"
    """Which bus: `lmdb://FOLDER`, where a relative path lies in the data folder, `memory://`, or
    `kafka://HOST:PORT[,HOST:PORT]/PREFIX`."""


class StoreSection(StoreSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [store]."""

    url: str = "chdb://store"
    """Which store; a relative path lies in the data folder."""
    writer: WriterSettings = WriterSettings()


class RegistrySection(RegistrySettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [registry]: which wallets are whales."""

    url: str = "sqlite://registry.db"
    """`sqlite://FILE`, where a relative path lies in the data folder, or `postgresql://USER@HOST/DATABASE`."""


class RecordSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [record]."""

    enabled: bool = False
    """Whether `up` keeps every inbound frame, in `recordings` in the data folder."""


class IngestSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [ingest]: how all chains are read."""

    use_websockets: bool = True
    """Whether WebSockets may be used; without them the newest block is asked for at intervals over HTTP."""
    polling_interval_s: IntervalSeconds | None = None
    """How often that is, for every chain; absent: each chain's own `poll_ms`."""


class TradingSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [trading]."""

    symbols: tuple[str, ...] = ()
    """Instruments that `MarketDataService` tells of, as INSTRUMENT or SOURCE:INSTRUMENT; all by default."""


class PoolServerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [pool_server]: what any pool holds, over HTTP."""

    enabled: bool = False
    """Whether `up` serves it too; `tidemill pool-server` does in any case."""
    host: str = "127.0.0.1"
    """The address to listen at; this one is reached from this machine alone. Who reaches it may ask."""
    open_to_all: bool = False
    """Whether it may listen where other machines reach it: it asks nobody who they are, and each question may
    cost one to an endpoint."""
    port: Annotated[int, Meta(ge=0, le=65_535)] = 3000
    """The port to listen at; 0 takes any that is free and says which."""
    cache_duration_s: Annotated[float, Meta(ge=0, le=86_400)] = 10.0
    """No answer is of a state that is older, counted from before the chain was asked; 0 asks each time."""
    cache_pools_max: Positive = 10_000
    """Pools of each chain that are kept, a kilobyte each; the one asked longest ago makes room."""
    batch_window_ms: Annotated[int, Meta(ge=0, le=1_000)] = 2
    """How long a question waits for others of its chain, to be asked in one call; far below what an answer
    takes.
    """
    connections_max: Positive = 1_024
    """Connections at a time; further ones wait to be accepted."""
    waiting_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 512
    """Requests of each chain that wait for its answer at a time; further ones get HTTP 503 at once."""
    body_bytes_max: Positive = 16_384
    """Of a request; a question has about 150."""
    request_timeout_ms: Positive = 10_000
    """How long a request may take, its body's arrival included."""
    idle_timeout_ms: Positive = 60_000
    """How long a connection may be idle, take to send a request's head, or not take its answer."""
    answer_timeout_ms: Positive = 4_000
    """How long an endpoint may take for one question; then the next is asked, within the request's time."""
    stop_timeout_ms: Positive = 10_000
    """How long requests in flight may take to finish when the server stops."""
    threads: Annotated[int, Meta(ge=1, le=256)] = 2
    """Threads that serve."""


class VenuesSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [venues]: the order-book venues, each in its own section."""

    sei: SeiConfig = SeiConfig()
    polymarket: PolymarketConfig = PolymarketConfig()


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings, by section."""

    data: DataSettings = DataSettings()
    memory: MemorySettings = MemorySettings()
    bus: BusSection = BusSection()
    kafka: KafkaSettings = KafkaSettings()
    store: StoreSection = StoreSection()
    registry: RegistrySection = RegistrySection()
    redis: RedisSettings = RedisSettings()
    influxdb: InfluxSettings = InfluxSettings()
    log: LogConfig = LogConfig()
    record: RecordSettings = RecordSettings()
    ingest: IngestSettings = IngestSettings()
    api: ApiSettings = ApiSettings()
    metrics: MetricsSettings = MetricsSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    alerts: AlertsSettings = AlertsSettings()
    traces: TracesSettings = TracesSettings()
    trading: TradingSettings = TradingSettings()
    pool_server: PoolServerSettings = PoolServerSettings()
    chains: dict[str, EvmConfig] = {}
    """The chains to read, by the name that their events carry."""
    solana: dict[str, SolanaConfig] = {}
    """Solana clusters whose blocks are inspected, by the name that their events carry."""
    search: dict[str, SearchConfig] = {}
    """What to look for on a chain, by its name."""
    whales: WhaleConfig = WhaleConfig()
    features: FeatureConfig = FeatureConfig()
    export: ExportConfig = ExportConfig()
    ml: MlSettings = MlSettings()
    brain: BrainSettings = BrainSettings()
    execution: ExecutionSettings = ExecutionSettings()
    subgraphs: dict[str, SubgraphConfig] = {}
    """The subgraphs to read beside them, by the name that their events carry."""
    venues: VenuesSettings = VenuesSettings()
    feeds: dict[str, FeedConfig] = {}
    """The venues of one file to read, by their names."""


class Paths(NamedTuple):
    """Where things lie."""

    data: Path
    """Absolute."""

    @property
    def logs(self) -> Path:
        """The log files' folder."""
        return self.data / "logs"

    @property
    def recordings(self) -> Path:
        """The folder of what `up` records."""
        return self.data / "recordings"


class Environment(NamedTuple):
    """What a command runs with."""

    loaded: Loaded[Settings]
    file: Path | None
    """The settings file that was read."""

    @property
    def settings(self) -> Settings:
        """The effective settings."""
        return self.loaded.settings

    @property
    def redactor(self) -> Redactor:
        """Hides what must not be shown."""
        return self.loaded.redactor

    @property
    def paths(self) -> Paths:
        """Where things lie."""
        return Paths(_folder(self.settings.data.dir))

    @property
    def bus_url(self) -> str:
        """The bus, with an absolute path."""
        servers = self.settings.kafka.bootstrap_servers
        if servers and "bus.url" not in self.loaded.origins:
            return f"kafka://{servers}"
        return _absolute(self.settings.bus.url, self.paths.data)

    @property
    def store_url(self) -> str:
        """The store, with an absolute path."""
        return _absolute(self.settings.store.url, self.paths.data)

    @property
    def registry_url(self) -> str:
        """The registry, with an absolute path; holds its password."""
        return _absolute(self.settings.registry.url, self.paths.data)

    def with_chains_alone(self) -> "Environment":
        """Return the same without what is read beside chains."""
        settings = structs.replace(self.settings, subgraphs={}, solana={}, venues=VenuesSettings(), feeds={})
        return self._replace(loaded=self.loaded._replace(settings=settings))

    def with_data(self, folder: Path) -> "Environment":
        """Return the same with another data folder."""
        settings = structs.replace(self.settings, data=DataSettings(dir=str(folder)))
        origins = {**self.loaded.origins, "data.dir": "command line"}
        return self._replace(loaded=self.loaded._replace(settings=settings, origins=origins))

    def with_workers(self, count: int) -> "Environment":
        """Return the same with so many processes that serve."""
        settings = structs.replace(self.settings, api=structs.replace(self.settings.api, workers=count))
        origins = {**self.loaded.origins, "api.workers": "command line"}
        return self._replace(loaded=self.loaded._replace(settings=settings, origins=origins))


def read_settings(
    file: Path | None, data: Path | None, environ: Mapping[str, str] | None = None
) -> Environment:
    """Return what a command runs with; without `file`, TIDEMILL_CONFIG or ./tidemill.toml is read.

    Raises: Refused, naming what is wrong and where.
    """
    outside = dict(os.environ if environ is None else environ)
    everything = {**read_env_file(Path(".env")), **outside}
    if file is None and everything.get(FILE_VARIABLE):
        file = Path(everything[FILE_VARIABLE])
    if file is None and Path(FILE_NAME).exists():
        file = Path(FILE_NAME)
    loaded = _within_budget(load(Settings, file, everything, ALIASES))
    secrets = [everything.get(name, "").removeprefix("0x") for name in SECRET_VARIABLES]
    environment = Environment(loaded._replace(redactor=loaded.redactor.hiding(secrets)), file)
    environment = environment if data is None else environment.with_data(data)
    _folder(environment.settings.data.dir)
    return environment


def _within_budget(loaded: Loaded[Settings]) -> Loaded[Settings]:
    mb = loaded.settings.memory.mb
    if mb is None:
        return loaded
    settings, lowered = within(loaded.settings, mb)
    origins = {**loaded.origins, **dict.fromkeys(lowered, f"memory.mb = {mb}")}
    return loaded._replace(settings=settings, origins=origins)


def _folder(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:  # `~name`, where nobody has that name
        raise Refused(f"data.dir = {text!r}: expected a folder: {error}") from None


def _absolute(url: str, folder: Path) -> str:
    scheme, separator, path = url.partition("://")
    is_path = separator and scheme in {"lmdb", "chdb", "sqlite"} and path and not path.startswith("/")
    return f"{scheme}://{folder / path}" if is_path else url
