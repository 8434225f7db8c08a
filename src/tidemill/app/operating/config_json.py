"""Read the settings out of a config.json as other programs of the field have it."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, structs

from tidemill.app.settings import ALIASES, IngestSettings, IntervalSeconds, PoolServerSettings, Settings
from tidemill.chains.evm.config import EvmConfig
from tidemill.core.config import NAME_FIELD, S, load
from tidemill.core.redact import Redactor
from tidemill.schema.faults import Refused
from tidemill.venues.subgraph_config import SubgraphConfig


class _Pipeline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`advanced_features.real_data_pipeline` of a config.json."""

    enabled: bool = True
    use_websockets: bool = True
    polling_interval_seconds: IntervalSeconds | None = None
    cache_duration_seconds: Annotated[float, Meta(ge=0, le=86_400)] = PoolServerSettings().cache_duration_s
    description: str = ""


CHAIN_SECTIONS = ("networks", "chains")
"""What a config.json may call its chains."""
_SPELLINGS = {
    "chainId": "chain_id",
    **{name: "http_url" for name in ("rpc", "rpc_url", "rpcUrl", "http")},
    **{name: "ws_url" for name in ("ws", "wss", "wss_url", "wsUrl", "websocket_url")},
}
"""How others call a setting of a chain."""


def settings_of(config: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Return the settings that a config.json means: its chains by name, under `networks` or `chains`, its
    `subgraphs`, and `advanced_features.real_data_pipeline`; the names of ALIASES in `environ` win. Other
    sections are passed over.

    Raises: Refused, naming the key, its value and what was expected.
    """
    given: Any = config
    if not isinstance(given, Mapping):
        raise Refused(f"config: expected a mapping or tidemill's settings, found {_shown(given)}")
    sections = [name for name in CHAIN_SECTIONS if name in config]
    if len(sections) != 1:
        found = ", ".join(sections or map(str, config)) or "nothing"
        raise Refused(f"config: expected `networks` or `chains`, found {found}")
    (section,) = sections
    chains = {
        name: _chain(name, entry, f"{section}.{name}") for name, entry in _table(config, section, "").items()
    }
    features = _table(config, "advanced_features", "")
    where = "advanced_features.real_data_pipeline"
    pipeline = _converted(_table(features, "real_data_pipeline", "advanced_features."), _Pipeline, where)
    if not pipeline.enabled:
        raise Refused(f"config: {where}.enabled: expected true, found false: all data is real")
    ingest = IngestSettings(
        use_websockets=pipeline.use_websockets, polling_interval_s=pipeline.polling_interval_seconds
    )
    ours = {name: value for name, value in environ.items() if name in ALIASES}
    loaded = load(Settings, None, ours, ALIASES)
    given = {key.split(".")[1] for key in loaded.origins if key.startswith("ingest.")}
    changes = {name: getattr(loaded.settings.ingest, name) for name in given}
    named = _table(config, "subgraphs", "")
    subgraphs = {
        name: _converted(
            {**_table(named, name, "subgraphs."), NAME_FIELD: name}, SubgraphConfig, f"subgraphs.{name}"
        )
        for name in named
    }
    return Settings(
        chains=chains,
        subgraphs=subgraphs,
        ingest=structs.replace(ingest, **changes),
        pool_server=PoolServerSettings(cache_duration_s=pipeline.cache_duration_seconds),
    )


def _chain(name: str, entry: Any, where: str) -> EvmConfig:
    if not isinstance(entry, Mapping):
        raise Refused(f"config: {where}: expected a section with its URLs, found {_shown(entry)}")
    settings: dict[str, Any] = {}
    for key, value in entry.items():
        ours = _SPELLINGS.get(str(key), str(key))
        if ours in settings or ours == NAME_FIELD:
            raise Refused(f"config: {where}.{key}: expected {ours} once, found it twice")
        settings[ours] = value
    return _converted({**settings, NAME_FIELD: name}, EvmConfig, where)


def _table(config: Mapping[str, Any], name: str, above: str) -> Mapping[str, Any]:
    found = config.get(name, {})
    if not isinstance(found, Mapping):
        raise Refused(f"config: {above}{name}: expected a section, found {_shown(found)}")
    return found


def _converted(found: Mapping[str, Any], kind: type[S], where: str) -> S:
    names = [field.name for field in structs.fields(kind)]
    for name in found:
        if name not in names:
            known = ", ".join(sorted({*names, *(_SPELLINGS if kind is EvmConfig else ())} - {NAME_FIELD}))
            raise Refused(f"config: {where}.{name} = {_shown(found[name])}: expected one of {known}")
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as fault:
        message, _, path = str(fault).partition(" - at ")
        key = path.strip("`").removeprefix("$")
        value = f" = {_shown(found.get(key[1:]))}" if key[1:] in found else ""
        raise Refused(f"config: {where}{key}{value}: {message[0].lower()}{message[1:]}") from None


def _shown(value: Any) -> str:
    return Redactor()(repr(value))[:80]
