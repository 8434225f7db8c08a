"""Read Sei's contract order books beside the chains: keep their books, commit what is told with its state."""

import logging
import secrets
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from tidemill.app.chains.pipeline import batches_of
from tidemill.app.insisting import commit_surely
from tidemill.app.venues.markets import OpenMarket
from tidemill.bus import Bus
from tidemill.core.clock import NS_PER_S, Clock
from tidemill.process.books import BookRule, OrderBooks, Taken
from tidemill.process.pools import Batches
from tidemill.schema.events import Health
from tidemill.schema.faults import Fault, leaves
from tidemill.venues.sei.config import SeiConfig, check_sei
from tidemill.venues.sei.follower import Kept
from tidemill.venues.sei.mapping import load_mapping
from tidemill.venues.sei.reader import SeiReader
from tidemill.venues.sei.telling import Told, Void

_log = logging.getLogger("tidemill.sei")

SOURCE = "sei"
_PREFIX = "venue/sei/"


def market_of(config: SeiConfig) -> OpenMarket | None:
    """Return what opens its reader; None where it is not to be read. Raises: Refused, naming the keys."""
    if config.ws_url is None:
        return None
    checked = check_sei(config, load_mapping(config.mapping))
    return lambda bus, clock, committed: SeiRun(checked, bus, clock, committed)


class SeiRun:
    """What `up` reads of Sei, from where an earlier run stopped."""

    def __init__(
        self,
        config: SeiConfig,
        bus: Bus,
        clock: Clock,
        on_batches: Callable[[Batches, list[int]], None],
    ) -> None:
        """Raises: Refused, where the settings or the mapping do not fit."""
        self.ended = ""
        """Why it is not read any more."""
        self.books = OrderBooks(SOURCE, BookRule())
        self.books.follow(list(config.instruments))
        self.reader = SeiReader(config, clock, secrets.token_hex(8), self._commit, SOURCE)
        self._bus = bus
        self._clock = clock
        self._on_batches = on_batches

    async def run(self) -> None:
        """Read until cancelled; a fault that ends it is kept in `ended`."""
        try:
            kept = dict(await self._bus.state(_PREFIX.encode()))
            await self.reader.run({key.decode().removeprefix(_PREFIX): part for key, part in kept.items()})
        except* Fault as faults:
            self.ended = str(next(leaves(faults)))
            _log.error("sei ended, the others go on: %s", self.ended)

    def status(self) -> dict[str, Any]:
        """Return how it fares, as JSON has it."""
        reader = self.reader
        heard_ns = reader.last_head_ns
        state = "running" if reader.leader else "connecting"
        return {
            "state": "stopped" if self.ended else state,
            "network": reader.config.chain_id,
            "leader": reader.leader,
            "tip": reader.follower.tip,
            "proven": reader.follower.height,
            "books": len(self.books),
            "live_books": self.books.live_count,
            "connections": reader.connection_count,
            "messages": reader.heard_count,
            "last_head_age_s": None if heard_ns is None else (self._clock.now_ns() - heard_ns) / NS_PER_S,
            "endpoints": {
                where: " ".join(filter(None, (health.state, health.detail)))
                for where, health in reader.states.items()
            },
            "faults": reader.fault_count,
            "last_fault": self.ended or (str(reader.faults[-1]) if reader.faults else ""),
        }

    async def _commit(self, told: list[Told], kept: Kept) -> None:
        batches = self._batches(told)
        state: dict[bytes, bytes | None] = {f"{_PREFIX}{name}".encode(): part for name, part in kept.items()}
        self._on_batches(batches, await commit_surely(self._bus, batches, state))

    def _batches(self, told: list[Told]) -> Batches:
        """Return what is told, with what it does to the kept books, in order."""
        batches: Batches = []
        events: list[Struct] = []
        for one in told:
            if isinstance(one, Void):
                batches += self._applied(events)
                events = []
                batches += self._restarted(one)
                continue
            if isinstance(one, Health) and one.detail:
                _log.warning("sei: %s: %s: %s", one.endpoint, one.state.value, one.detail)
            events.append(one)
        return batches + self._applied(events)

    def _applied(self, events: list[Struct]) -> Batches:
        if not events:
            return []
        batches = batches_of(events)
        return [*batches, *self._taken(self.books.take(dict(batches)))]

    def _restarted(self, void: Void) -> Batches:
        _log.warning("sei: the book of %s is void: %s", void.instrument, void.why)
        return self._taken(
            self.books.restart(
                [void.instrument],
                void.why,
                now_ns=void.recv_ns,
                connection=void.connection,
                sequence=void.sequence,
            )
        )

    def _taken(self, taken: Taken) -> Batches:
        for fault in taken.gaps.values():
            self.reader.note(fault)
        return list(taken.batches.items())
