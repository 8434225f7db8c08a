"""What do the metrics say of the program's state at the moment of a scrape."""

from collections.abc import Iterator

from prometheus_client.core import Metric as Family

from tidemill.core.clock import NS_PER_S
from tidemill.core.metrics import bucketed, counted, gauged, summed
from tidemill.serve import declared as d
from tidemill.serve.program import (
    AlertRouteState,
    ArbitrageCounts,
    ChainState,
    EndpointState,
    LinkState,
    ProgramState,
    SinkState,
    VenueState,
    WhaleState,
)

_MS_PER_S = 1_000
_BREAKERS = ("closed", "open", "half_open")

Key = tuple[str, ...]


def families(state: ProgramState) -> Iterator[Family]:
    """Yield what is read from `state`: every declared metric but those that the server counts itself."""
    yield from _whole(state)
    yield from _topics(state)
    yield from _chains(state.chains)
    yield from _whales(state.whales)
    yield from _arbitrages(state.arbitrages)
    yield gauged(d.KAFKA_SENT, [((), state.kafka_sent_per_s)])
    yield from _venues(state.venues)
    waiting = [((k, part), n) for k, parts in state.processors.items() for part, n in parts.items()]
    yield gauged(d.PROCESSOR_WAITING, waiting)
    yield from _sinks(state.sinks)
    yield from _alert_routes(state.alert_routes)
    yield counted(d.ALERTS_SUPPRESSED, [((), state.alerts_suppressed)])
    yield from _endpoints([(k, one) for chain in state.chains for k, one in endpoints_of(chain)])
    yield from _links([(k, one) for chain in state.chains for k, one in links_of(chain)])


def endpoints_of(chain: ChainState) -> Iterator[tuple[Key, EndpointState]]:
    """Yield a chain's endpoints, each with its labels."""
    for number, endpoint in chain.endpoints.items():
        yield (chain.source, number), endpoint


def links_of(chain: ChainState) -> Iterator[tuple[Key, LinkState]]:
    """Yield a chain's connections, each with its labels."""
    for key, endpoint in endpoints_of(chain):
        for name, link in endpoint.links.items():
            yield (*key, name), link


def _whole(state: ProgramState) -> Iterator[Family]:
    yield gauged(d.BUILD, [((state.version,), 1)] if state.version else [])
    yield gauged(d.UPTIME, [((), state.uptime_s)])
    yield gauged(d.MEMORY, [((part,), size) for part, size in state.memory.items()])
    yield gauged(d.TASKS, [((), state.tasks)])
    yield gauged(d.MEMORY_BUDGET, [((), state.memory_budget_bytes)])
    for metric, times in ((d.TO_BUS, state.to_bus), (d.TO_STORE, state.to_store)):
        yield bucketed(metric, times.counts, times.count, times.sum_s)
    yield gauged(d.BUS_UP, [((), state.is_bus_up)])
    yield gauged(d.STORE_UP, [((), state.is_store_up)])
    yield counted(d.STORE_FAULTS, [((), state.store_faults)])


def _topics(state: ProgramState) -> Iterator[Family]:
    topics = [((name,), topic) for name, topic in state.topics.items()]
    yield counted(d.EVENTS, [(k, topic.events) for k, topic in topics])
    yield counted(d.STORED, [(k, topic.stored) for k, topic in topics])
    yield summed(d.INSERTS, [(k, topic.inserts, topic.insert_s) for k, topic in topics])
    yield gauged(d.WAITING, [(k, topic.waiting_batches) for k, topic in topics])


def _chains(states: tuple[ChainState, ...]) -> Iterator[Family]:
    chains = [((chain.source,), chain) for chain in states]
    yield gauged(d.CHAIN_UP, [(k, chain.is_up) for k, chain in chains])
    yield gauged(d.CHAIN_TIP, [(k, chain.tip) for k, chain in chains])
    yield gauged(d.CHAIN_BEHIND, [(k, chain.behind_blocks) for k, chain in chains])
    yield gauged(d.CHAIN_POOLS, [(k, chain.pools) for k, chain in chains])
    yield counted(d.CHAIN_FAULTS, [(k, chain.faults) for k, chain in chains])
    yield gauged(d.INBOX, [(k, chain.inbox_batches) for k, chain in chains])
    yield counted(d.INBOX_WAITS, [(k, chain.inbox_waits) for k, chain in chains])
    told = [(k, chain.coverage) for k, chain in chains if chain.coverage is not None]
    yield gauged(d.COMPLETE, [((*k, p), n) for k, one in told for p, n in one.complete_blocks.items()])
    yield gauged(d.MISSING, [(k, one.missing_blocks) for k, one in told])
    yield gauged(d.GAPS_OPEN, [(k, one.open_gaps) for k, one in told])
    yield gauged(d.GAPS_CLOSED, [(k, one.closed_gaps) for k, one in told])
    autopsies = [(k, chain.autopsy) for k, chain in chains if chain.autopsy is not None]
    yield gauged(d.FOLLOWED, [(k, one.followed) for k, one in autopsies])
    yield counted(d.ENDED, [((*k, cause), n) for k, one in autopsies for cause, n in one.ended.items()])
    yield counted(d.NOT_FOLLOWED, [(k, one.refused) for k, one in autopsies])
    yield gauged(d.HALF_LIFE, [(k, one.half_life_blocks) for k, one in autopsies])


def _whales(state: WhaleState) -> Iterator[Family]:
    yield counted(d.WHALE_TRADES, list(state.trades.items()))
    last = [((address,), told_ns / NS_PER_S) for address, told_ns in state.last_trades_ns.items()]
    yield gauged(d.WHALE_LAST_TRADE, last)
    yield gauged(d.WHALES, [((), state.watched)])
    yield bucketed(d.WHALE_LATENCY, state.latency.counts, state.latency.count, state.latency.sum_s)


def _arbitrages(state: ArbitrageCounts) -> Iterator[Family]:
    yield counted(d.ARBITRAGES, list(state.transactions.items()))
    yield gauged(d.ARBITRAGE_RATE, [((source,), rate) for source, rate in state.per_s.items()])
    yield gauged(d.ARBITRAGE_SOL, [((source,), sol) for source, sol in state.net_sol.items()])


def _venues(states: tuple[VenueState, ...]) -> Iterator[Family]:
    venues = [((venue.source,), venue) for venue in states]
    yield gauged(d.VENUE_UP, [(k, venue.is_up) for k, venue in venues])
    yield counted(d.VENUE_MESSAGES, [(k, venue.messages) for k, venue in venues])
    yield counted(d.VENUE_FAULTS, [(k, venue.faults) for k, venue in venues])
    yield counted(d.VENUE_RECONNECTIONS, [(k, venue.reconnects) for k, venue in venues])


def _sinks(states: tuple[SinkState, ...]) -> Iterator[Family]:
    sinks = [((sink.name,), sink) for sink in states]
    yield gauged(d.SINK_UP, [(k, sink.is_up) for k, sink in sinks])
    yield counted(d.SINK_ROWS, [(k, sink.rows) for k, sink in sinks])
    yield counted(d.SINK_DROPPED, [(k, sink.dropped_batches) for k, sink in sinks])
    yield counted(d.SINK_RETRIES, [(k, sink.retries) for k, sink in sinks])


def _alert_routes(states: tuple[AlertRouteState, ...]) -> Iterator[Family]:
    routes = [((route.name,), route) for route in states]
    yield counted(d.ALERTS_SENT, [(k, route.sent) for k, route in routes])
    yield counted(d.ALERTS_RETRIES, [(k, route.retries) for k, route in routes])
    yield counted(d.ALERTS_FAILED, [(k, route.failed) for k, route in routes])
    yield gauged(d.ALERTS_WAITING, [(k, route.waiting) for k, route in routes])


def _endpoints(endpoints: list[tuple[Key, EndpointState]]) -> Iterator[Family]:
    yield gauged(d.HONESTY, [(k, one.honesty) for k, one in endpoints])
    yield gauged(d.GRADE, [(k, one.grade) for k, one in endpoints])
    yield counted(d.ANSWERS, [(k, one.answers) for k, one in endpoints])
    yield counted(d.VICES, [((*k, vice), count) for k, one in endpoints for vice, count in _charges(one)])
    yield counted(d.ACQUITTALS, [(k, one.acquittals) for k, one in endpoints])
    yield gauged(d.LATENCY, [(k, _seconds(one.latency_ms)) for k, one in endpoints])
    yield gauged(d.LAG, [(k, _seconds(one.lag_ms)) for k, one in endpoints])
    yield gauged(d.HEAD, [(k, one.head) for k, one in endpoints])
    yield gauged(d.WRONG_CHAIN, [(k, one.wrong_chain) for k, one in endpoints])


def _charges(endpoint: EndpointState) -> Iterator[tuple[str, int]]:
    """Yield how often it was held to have done each; acquittals stay in, for a counter never falls."""
    for vice, count in endpoint.vices.items():
        yield vice, count + (endpoint.acquittals if vice == "lied" else 0)


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / _MS_PER_S


def _links(links: list[tuple[Key, LinkState]]) -> Iterator[Family]:
    yield gauged(d.LINK, [((*k, link.url), 1) for k, link in links])
    yield gauged(d.LINK_OPEN, [(k, link.open) for k, link in links])
    yield gauged(d.LINK_LEADS, [(k, link.leads) for k, link in links])
    yield gauged(d.BREAKER, [((*k, one), link.breaker == one) for k, link in links for one in _BREAKERS])
    sockets = [(k, link) for k, link in links if k[-1].startswith("ws")]
    yield counted(d.MESSAGES, [(k, link.frames) for k, link in sockets])
    yield counted(d.RECONNECTIONS, [(k, max(link.connects - 1, 0)) for k, link in sockets])
