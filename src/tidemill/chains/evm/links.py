"""Which connections lead to the chain, how each fares, and in which order they are asked."""

from collections.abc import Iterator
from typing import Any

from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.scorecard import Scorecard
from tidemill.core.breaker import Breaker, BreakerState
from tidemill.core.endpoint import redact_url
from tidemill.core.expectation import Expectation, ExpectationLimits


def link_name(kind: str, endpoint: int) -> str:
    """Return how the connection of a kind to an endpoint is named: ws, http, ws1, http1 and so on."""
    return f"{kind}{endpoint or ''}"


class Link:
    """One connection to one endpoint."""

    def __init__(
        self, name: str, url: str, endpoint: int, card: Scorecard, heads: Expectation, *, is_ws: bool
    ) -> None:
        self.name = name
        self.url = redact_url(url)
        """Where it leads to, without what opens it."""
        self.endpoint = endpoint
        """Which endpoint; a WebSocket and an HTTP connection of one share it."""
        self.card = card
        self.is_ws = is_ws
        self.is_connected = not is_ws
        """Whether a question can be sent; nothing is known of HTTP before one is."""
        self.is_open = False
        """Whether it is known to lead to the right chain."""
        self.breaker = Breaker()
        self.heads = heads
        """Of a WebSocket: when its next head is due."""

    def rank(self, now_ns: int) -> tuple[int, int, int]:
        """Return how it stands among others to lead: the lowest does."""
        return (self.card.grade(now_ns), self.card.slowness, self.endpoint)

    def close(self) -> None:
        """Note that it is gone."""
        self.is_connected = not self.is_ws
        self.is_open = False


class Links:
    """All connections of one chain."""

    def __init__(self, config: EvmConfig) -> None:
        self.cards: list[Scorecard] = []
        self.leader: Link | None = None
        """The WebSocket whose heads are followed; the others bear witness."""
        self._links: dict[str, Link] = {}
        for number, endpoint in enumerate(config.endpoints):
            card = Scorecard()
            self.cards.append(card)
            for kind, url in (("ws", endpoint.ws_url), ("http", endpoint.http_url)):
                if url is not None:
                    name = link_name(kind, number)
                    heads = Expectation(ExpectationLimits(silence_min_ms=config.silence_ms))
                    self._links[name] = Link(name, url, number, card, heads, is_ws=kind == "ws")

    def __getitem__(self, name: str) -> Link:
        return self._links[name]

    def __iter__(self) -> Iterator[Link]:
        return iter(self._links.values())

    def url_of(self, endpoint: int) -> str:
        """Return where an endpoint is, without what opens it."""
        return next(link.url for link in self._links.values() if link.endpoint == endpoint)

    @property
    def sockets(self) -> list[Link]:
        """The WebSockets."""
        return [link for link in self._links.values() if link.is_ws]

    @property
    def is_any_open(self) -> bool:
        """Whether anything leads to the chain."""
        return any(link.is_open for link in self._links.values())

    @property
    def open_endpoints(self) -> set[int]:
        """The endpoints that can be asked."""
        return {link.endpoint for link in self._links.values() if link.is_open}

    def choose(
        self, now_ns: int, *, bulk: bool, last: str = "", other_than: frozenset[int] = frozenset()
    ) -> Link | None:
        """Return the connection to ask next, or None where none is open.

        The `last` one asked is avoided where there is another, for what one did not answer another may;
        `other_than` names endpoints that must not be asked.
        """
        able = [link for link in self._links.values() if link.is_open and link.endpoint not in other_than]
        lead = None if self.leader is None else self.leader.endpoint
        return min(
            able,
            default=None,
            key=lambda link: (
                link.name == last,
                link.breaker.state(now_ns) is BreakerState.OPEN,
                link.card.grade(now_ns),
                link.card.slowness,
                link.is_ws is bulk,
                link.endpoint != lead,
                link.endpoint,
            ),
        )

    def elect(self, now_ns: int) -> bool:
        """Have the best open WebSocket lead; return whether it is another one than before.

        Of those as good, the first in the settings leads.
        """
        able = [link for link in self.sockets if link.is_open]
        best = min(able, default=None, key=lambda link: link.rank(now_ns))
        before, self.leader = self.leader, best
        return best is not before

    def told(self, now_ns: int) -> dict[str, dict[str, Any]]:
        """Return every endpoint's scorecard and its connections' state, by its number as text."""
        found: dict[str, dict[str, Any]] = {}
        for link in self._links.values():
            how = found.setdefault(str(link.endpoint), link.card.told(now_ns) | {"links": {}})
            how["links"][link.name] = {
                "url": link.url,
                "open": link.is_open,
                "leads": link is self.leader,
                "breaker": link.breaker.state(now_ns).value,
            }
        return found
