"""What does Sei's reader have to be told: which network, where its nodes are, whose events mean what."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from tidemill.core.endpoint import redact_url
from tidemill.schema.faults import Malformed, Refused
from tidemill.venues.sei.frames import Encoding
from tidemill.venues.sei.mapping import Mapping
from tidemill.venues.sei.query import parse

Positive = Annotated[int, Meta(ge=1, le=1 << 32)]
Decimals = Annotated[int, Meta(ge=0, le=36)]
SUBSCRIPTIONS_MAX = 5
"""A node's own default for one connection."""
HEADS_QUERY = "tm.event='NewBlockHeader'"


class SeiEndpointConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [[venues.sei.fallbacks]]: a further node of the same network."""

    ws_url: str
    http_url: str
    attributes: Literal["base64", "plain"] = "base64"


class SeiInstrument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [venues.sei.instruments.<name>]: one book."""

    source: str
    """The instrument's name in every event."""
    contract: str | None = None
    """Its contract's address; needed where the mapping names the attribute that tells it."""
    market: str | None = None
    """Its name in the events; needed where the mapping has an attribute for it."""
    first_height: Positive | None = None
    """The block before which its book was empty: read from there, it needs no snapshot."""
    price_decimals: Decimals | None = None
    """Of integers, in place of the mapping's."""
    size_decimals: Decimals | None = None


class SeiConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [venues.sei]; it is read where it has a `ws_url`."""

    chain_id: str = "pacific-1"
    """The network: atlantic-2 is the testnet. A node of any other is refused."""
    ws_url: str | None = None
    """A node's WebSocket, which ends in /websocket as a rule."""
    http_url: str | None = None
    """The same node's RPC, which is asked for whole blocks: they are the proof, and fill what was missed."""
    attributes: Literal["base64", "plain"] = "base64"
    """How the node writes events' attributes: Sei's own nodes base64, CometBFT from 0.37 on plain."""
    fallbacks: tuple[SeiEndpointConfig, ...] = ()
    mapping: str = "limit_orders"
    """What contract events mean: a shipped mapping's name, or a file of your own."""
    instruments: dict[str, SeiInstrument] = {}
    """The books, by the name that their events carry."""
    start: Literal["latest"] | Positive = "latest"
    """The first block whose events are wanted; where an earlier run stopped goes before it."""
    confirm_ms: Positive = 1_000
    """How often whole blocks are asked for; until then trades and books are as the socket told them."""
    blocks_per_request: Annotated[int, Meta(ge=1, le=500)] = 20
    catch_up_blocks_max: Positive = 50_000
    """A longer gap (5.5 hours) is not read but told, and books wait for a snapshot."""
    silence_ms: Positive = 5_000
    """A socket that tells no block for so long is left; one takes 0.4 s."""
    answer_timeout_ms: Positive = 10_000
    reconnect_first_ms: Positive = 250
    reconnect_max_ms: Positive = 3_000
    """A node that is back is found within 5 s, the half on top included."""

    @property
    def endpoints(self) -> tuple[SeiEndpointConfig, ...]:
        """All endpoints, the first one first; none where it is not read."""
        if self.ws_url is None or self.http_url is None:
            return ()
        first = SeiEndpointConfig(ws_url=self.ws_url, http_url=self.http_url, attributes=self.attributes)
        return (first, *self.fallbacks)


def encoding_of(endpoint: SeiEndpointConfig) -> Encoding:
    """Return how an endpoint writes attributes."""
    return Encoding(endpoint.attributes)


def check_sei(config: SeiConfig, mapping: Mapping) -> SeiConfig:
    """Return `config` where its parts fit together, and to its mapping. Raises: Refused, naming the keys."""
    where = "venues.sei"
    if config.ws_url is None or config.http_url is None:
        raise Refused(f"{where}: expected ws_url and http_url, of one node")
    for endpoint in config.endpoints:
        for key, url, scheme in (("ws_url", endpoint.ws_url, "ws"), ("http_url", endpoint.http_url, "http")):
            if not url.startswith((f"{scheme}://", f"{scheme}s://")):
                raise Refused(
                    f"{where}: {key}: expected {scheme}:// or {scheme}s://, found {redact_url(url)}"
                )
    if not config.instruments:
        raise Refused(f"{where}: expected at least one section [venues.sei.instruments.NAME], found none")
    names_markets = all(meaning.market for meaning in mapping.event)
    seen: dict[tuple[str | None, str | None], str] = {}
    for name, one in config.instruments.items():
        place = f"{where}.instruments.{name}"
        if (one.contract is None) != (mapping.contract is None):
            found = "none" if one.contract is None else one.contract
            wanted = "none, as the mapping checks none" if mapping.contract is None else "its address"
            raise Refused(f"{place}: contract: expected {wanted}, found {found}")
        if one.market is None and any(meaning.market for meaning in mapping.event):
            raise Refused(f"{place}: market: expected its name in the events, found none")
        key = (one.contract, one.market if names_markets else None)
        other = seen.setdefault(key, name)
        if other != name:
            why = "" if names_markets else ", as not every event of the mapping names its market"
            raise Refused(f"{place}: expected another contract or market than instruments.{other} has{why}")
    queries_of(config, mapping)
    return config


def queries_of(config: SeiConfig, mapping: Mapping) -> list[str]:
    """Return what is subscribed to, each once. Raises: Refused, where a node would."""
    found: dict[str, None] = {}
    for name, one in config.instruments.items():
        for template in mapping.queries:
            if "'" in f"{one.contract}{one.market}":
                raise Refused(f"venues.sei.instruments.{name}: expected no quote in contract and market")
            text = template.replace("{contract}", one.contract or "")
            text = text.replace("{market}", one.market or "")
            try:
                found[parse(text).text] = None
            except Malformed as fault:
                raise Refused(f"venues.sei.instruments.{name}: {fault}") from None
    return list(found)
