"""Does each connection lead to the right chain, does it live, and which one's heads are followed."""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from tidemill._rust import Head, parse_head
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.jury import Jury
from tidemill.chains.evm.links import Link
from tidemill.chains.evm.reports import Reports
from tidemill.chains.evm.scorecard import Vice
from tidemill.core.clock import NS_PER_MS
from tidemill.schema.events import HealthState
from tidemill.schema.faults import Gap, Malformed, Refused

_FIRST_TOLD_MAX = 256
_LATE_NS = 1_000 * NS_PER_MS
"""A head that an answer told and the socket does not announce within this time shows a dead subscription."""


class _Probe(Struct):
    """What a silent socket was asked, and what came of it."""

    asked_ns: int
    number: int | None = None
    """The newest block that it told, where it told one."""
    told_ns: int = 0


class Attending:
    """Keeps all connections of one chain under watch."""

    def __init__(
        self,
        calls: Calls,
        config: EvmConfig,
        reports: Reports,
        log_filter: Mapping[str, object],
        jury: Jury,
        ask_newest: Callable[[], None],
        on_head: Callable[[Head], None],
    ) -> None:
        self._calls = calls
        self._links = calls.links
        self._config = config
        self._reports = reports
        self._filter = log_filter
        self._ask_newest = ask_newest
        self._on_head = on_head
        self._jury = jury
        self._first_told: dict[bytes, int] = {}
        """When a head was announced first, by any endpoint."""
        self._probes: dict[str, _Probe] = {}
        self._polled_ns = 0
        self._polling: Link | None = None
        self._where = f"chain {config.source}"

    def begin(self) -> None:
        """Ask every endpoint that needs no connection which chain it is of."""
        for link in self._links:
            if not link.is_ws:
                self._identify(link)

    def opened(self, name: str) -> None:
        """Take note of a connection that was made."""
        link = self._links[name]
        link.is_connected = True
        self._reports.health(name, HealthState.CONNECTING)
        self._identify(link)

    def closed(self, name: str, reason: str) -> None:
        """Take note of a connection that is gone."""
        link = self._links[name]
        was_open = link.is_open
        self._probes.pop(name, None)
        self._calls.closed(name)
        self._reports.health(name, HealthState.DOWN, reason)
        if was_open:
            link.card.did(Vice.FAILED, self._calls.now_ns)
        self._elect(reason)
        if was_open and not self._links.is_any_open:
            self._reports.lost(reason)

    def failed(self, name: str, reason: str) -> None:
        """Take note of a connection that could not be made, or an answer that could not be had."""
        link = self._links[name]
        self._reports.health(name, HealthState.DOWN, reason)
        if link.is_ws or not link.is_open:
            link.breaker.failed(self._calls.now_ns)
        if self._links.leader is None and (self._polling is None or link is self._polling):
            self._reports.lost(reason)

    def answered(self, name: str) -> None:
        """Take note of an answer over HTTP."""
        link = self._links[name]
        if link.is_open and not link.is_ws:
            is_polled = link is self._polling
            self._reports.health(name, HealthState.POLLING if is_polled else HealthState.LIVE)

    def announced(self, name: str, head: Head) -> bool:
        """Take note of a head that a socket announced; return whether it is to be followed."""
        link = self._links[name]
        if not link.is_open:
            return False
        now_ns = self._calls.now_ns
        link.heads.heard(now_ns)
        first_ns = self._first_told.setdefault(head.hash, now_ns)
        if len(self._first_told) > _FIRST_TOLD_MAX:
            del self._first_told[next(iter(self._first_told))]
        link.card.announced(head.number, (now_ns - first_ns) / NS_PER_MS)
        for endpoint in self._jury.hear(link.endpoint, head, now_ns):
            self._calls.step.faults.append(
                Gap(
                    f"{self._where}: {self._links.url_of(endpoint)}: tells blocks that the others do not have"
                )
            )
        probe = self._probes.get(name)
        if probe is not None and probe.number is not None and head.number >= probe.number:
            del self._probes[name]
        leads = link is self._links.leader
        self._reports.health(name, HealthState.LEADING if leads else HealthState.LIVE)
        return leads

    def tick(self) -> None:
        """Look into silences; ask for the newest head where no socket announces it."""
        now_ns = self._calls.now_ns
        for link in self._links.sockets:
            if link.is_open:
                self._watch(link, now_ns)
        self._elect("it was the better one")
        if self._polling is not None and now_ns - self._polled_ns >= self._config.poll_ms * NS_PER_MS:
            self._poll()

    def _watch(self, link: Link, now_ns: int) -> None:
        probe = self._probes.get(link.name)
        if probe is None:
            if link.heads.is_due(now_ns):
                self._probes[link.name] = _Probe(now_ns)
                self._calls.ask_at(
                    link.name,
                    "eth_getBlockByNumber",
                    ["latest", False],
                    lambda result: self._on_probed(link, result),
                )
            return
        silent_ms = link.heads.silent_ns(now_ns) // NS_PER_MS
        if probe.number is None:
            if now_ns - probe.asked_ns > self._config.probe_timeout_ms * NS_PER_MS:
                self._replace(link, f"no head for {silent_ms} ms, and no answer to a question")
        elif now_ns - probe.told_ns > _LATE_NS:
            self._replace(link, f"no head for {silent_ms} ms, though it has block {probe.number}")

    def _on_probed(self, link: Link, result: bytes) -> None:
        head = parse_head(result)
        if head is None:
            raise Malformed(f"{self._where}: {link.url}: expected the newest block, found none")
        probe = self._probes.get(link.name)
        if probe is None:
            return
        told = link.card.head_number
        if told is None or head.number <= told:
            link.card.head_number = head.number
            del self._probes[link.name]  # the market is slow, the socket lives
        else:
            probe.number, probe.told_ns = head.number, self._calls.now_ns
        if link is self._links.leader:
            self._on_head(head)

    def _replace(self, link: Link, reason: str) -> None:
        del self._probes[link.name]
        link.heads.begin(self._calls.now_ns)
        link.card.did(Vice.STALE, self._calls.now_ns)
        self._reports.health(link.name, HealthState.STALE, reason)
        self._calls.step.reconnect.append(link.name)
        if link is self._links.leader:
            self._reports.lost(f"{link.url}: {reason}")

    def _elect(self, cause: str) -> None:
        """Have the best socket lead; poll where there is none."""
        now_ns, before = self._calls.now_ns, self._links.leader
        if self._links.elect(now_ns) and (leader := self._links.leader) is not None:
            if before is not None and before.is_open:
                self._reports.health(before.name, HealthState.LIVE, f"{leader.url} is preferred")
                cause = f"it is preferred to {before.url}"
            if self._polling is not None:
                name, self._polling = self._polling.name, None
                self._reports.health(name, HealthState.LIVE, f"{leader.url} announces heads again")
            self._reports.health(leader.name, HealthState.LEADING, cause)
            self._ask_newest()
        if self._links.leader is None and (self._polling is None or not self._polling.is_open):
            self._polling = self._links.choose(now_ns, bulk=True)
            if self._polling is not None:
                why = cause if self._links.sockets else "no WebSocket is configured"
                self._reports.health(self._polling.name, HealthState.POLLING, why)
                self._poll()

    def _poll(self) -> None:
        self._polled_ns = self._calls.now_ns
        if not self._calls.is_asking(self._calls.newest):
            self._ask_newest()  # an endpoint that does not answer is not asked ever more

    def _identify(self, link: Link) -> None:
        self._calls.ask_at(link.name, "eth_chainId", [], lambda result: self._on_chain_id(link, result))

    def _on_chain_id(self, link: Link, result: bytes) -> None:
        chain_id = _quantity(result)
        if chain_id != self._config.chain_id:
            self._refuse(link, chain_id)
            return
        link.card.is_wrong_chain = False
        self._calls.opened(link.name)
        if link.is_ws:
            link.heads.begin(self._calls.now_ns)
            self._calls.ask_at(link.name, "eth_subscribe", ["newHeads"], _accept_any)
            self._calls.ask_at(link.name, "eth_subscribe", ["logs", self._filter], _accept_any)
        self._reports.health(link.name, HealthState.LIVE)
        self._elect("it is connected")

    def _refuse(self, link: Link, chain_id: int) -> None:
        """Never ask an endpoint of another chain; stop where all endpoints are of other chains."""
        fault = Refused(
            f"{self._where}: {link.url}: expected chain id {self._config.chain_id}, found {chain_id}"
        )
        link.card.is_wrong_chain = True
        self._reports.health(link.name, HealthState.REFUSED, str(fault))
        self._calls.step.faults.append(fault)
        if all(card.is_wrong_chain for card in self._links.cards):
            self._calls.step.stop = fault


def _accept_any(result: bytes) -> None:
    """Take the id of a subscription: notices are told apart by what they hold."""


def _quantity(result: bytes) -> int:
    """Return the number in a JSON string such as "0x1f". Raises: Malformed."""
    try:
        return int(msgspec.json.decode(result, type=str), 16)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Malformed(f'expected a JSON string of a number ("0x…"), found {result[:80]!r}') from error
