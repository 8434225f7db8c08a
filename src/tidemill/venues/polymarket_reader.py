"""Who reads all of Polymarket: finds its markets, reads their books, and hears wallets and an own account."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from urllib.parse import urlencode

from msgspec import Struct

from tidemill.core.clock import Clock
from tidemill.core.endpoint import redact_url
from tidemill.core.http import HttpEndpoint, HttpFailure, HttpLimits
from tidemill.core.seen import Seen
from tidemill.schema.events import (
    Health,
    HealthState,
    Market,
    MarketChange,
    MarketStatus,
    OwnFill,
    WalletTrade,
)
from tidemill.schema.faults import Fault, Refused, leaves
from tidemill.venues.base import Origin
from tidemill.venues.polymarket import VENUE, live_frame, user_frame
from tidemill.venues.polymarket_books import BookKeeper, BookReader
from tidemill.venues.polymarket_config import PolymarketConfig, check_polymarket, user_url
from tidemill.venues.polymarket_directory import Directory
from tidemill.venues.polymarket_link import Frames, LinkLimits, Listener, PolymarketLink

_SEEN_MAX = 100_000

OnEvents = Callable[[Sequence[Struct]], Awaitable[None]]


class PolymarketReader:
    """Reads the venue as it is configured; `run` it until cancelled."""

    def __init__(
        self, config: PolymarketConfig, clock: Clock, run_id: str, keeper: BookKeeper, on_events: OnEvents
    ) -> None:
        self.config = check_polymarket(config)
        self.faults: deque[Fault] = deque(maxlen=100)
        """The last ones."""
        self.fault_counts: Counter[str] = Counter()
        """By class."""
        self.repeated_count = 0
        """Trades and fills that were told before."""
        self.books = BookReader(config, clock, run_id, keeper, note=self.note, fares=self._fares)
        self.links: dict[str, PolymarketLink] = {}
        """The other sockets, by channel."""
        self._clock = clock
        self._run_id = run_id
        self._on_events = on_events
        self._directory = Directory(config, clock, run_id)
        self._seen = Seen(_SEEN_MAX)
        self._sequences: Counter[str] = Counter()

    async def run(self) -> None:
        """Read until cancelled. Raises: Refused."""
        try:
            async with asyncio.TaskGroup() as tasks:
                if self.config.tokens:
                    self.books.follow(self.config.tokens)
                tasks.create_task(self.books.run(), name="polymarket books")
                if self.config.markets_max or self.config.slugs:
                    tasks.create_task(self._find(), name="polymarket directory")
                if self.config.read_trades:
                    tasks.create_task(self._ask_trades(), name="polymarket trades")
                for channel, link in self._other_links():
                    self.links[channel] = link
                    tasks.create_task(self._run_alone(link), name=f"polymarket {channel}")
        except* Fault as faults:
            raise next(leaves(faults)) from None

    def note(self, fault: Fault) -> None:
        """Count a fault, and keep it among the last."""
        self.faults.append(fault)
        self.fault_counts[type(fault).__name__] += 1

    def take_notices(self, events: Sequence[Struct]) -> None:
        """Leave the tokens of markets that are settled."""
        resolved = [
            event.instrument
            for event in events
            if isinstance(event, MarketStatus) and event.change is MarketChange.RESOLVED
        ]
        self.books.forget(resolved)

    async def _run_alone(self, link: PolymarketLink) -> None:
        """Keep a socket; where it is refused, it ends alone, and is not tried again."""
        with suppress(Refused):  # it was told when the connection was closed
            await link.run()

    # --- the directory

    async def _find(self) -> None:
        async with self._directory.http:
            while True:
                try:
                    found = await self._directory.read()
                    for fault in found.faults:
                        self.note(fault)
                    if found.events:
                        self._follow(found.events)
                        await self._on_events(found.events)
                    await asyncio.sleep(self.config.directory_poll_ms / 1_000)
                except Refused:
                    raise
                except Fault as fault:
                    self.note(fault)
                    await asyncio.sleep(self.config.reconnect_max_ms / 1_000)

    def _follow(self, events: Sequence[Struct]) -> None:
        markets = [event for event in events if isinstance(event, Market)]
        closed = [market.instrument for market in markets if market.is_closed]
        self.books.follow(
            market.instrument for market in markets if market.has_book != 0 and not market.is_closed
        )
        self.books.forget(closed)

    # --- wallets and an own account

    def _other_links(self) -> list[tuple[str, PolymarketLink]]:
        config = self.config
        links: list[tuple[str, PolymarketLink]] = []
        if config.api_key and config.secret and config.passphrase:
            opening = user_frame(config.api_key, config.secret, config.passphrase, [])
            links.append(("user", self._link("user", user_url(config), opening, config.ping_interval_ms)))
        if config.live_topics:
            topics = [(topic, kind) for topic, _, kind in (one.partition(".") for one in config.live_topics)]
            opening = live_frame(topics)
            links.append(("live", self._link("live", config.live_url, opening, config.live_ping_interval_ms)))
        return links

    def _link(self, channel: str, url: str, opening: bytes, ping_interval_ms: int) -> PolymarketLink:
        config = self.config

        async def opened() -> None:
            await self._fares(link.endpoint, HealthState.LIVE, "")

        async def closed(fault: Fault) -> None:
            self.note(fault)
            await self._fares(link.endpoint, link.state, str(fault))

        async def heard(frames: Frames) -> None:
            await self._heard(channel, f"{self._run_id}-{channel}-{link.connection_count}", frames)

        async def silent() -> bool:
            # an account may have nothing to say for days; the live feed always has
            return channel == "user"

        limits = LinkLimits(
            ping_interval_ms,
            config.pong_timeout_ms,
            config.silence_ms,
            config.reconnect_first_ms,
            config.reconnect_max_ms,
        )
        link = PolymarketLink(
            url, self._clock, limits, Listener(lambda: (opening,), opened, heard, silent, closed)
        )
        return link

    async def _heard(self, channel: str, connection: str, frames: Frames) -> None:
        events: list[Struct] = []
        for recv_ns, frame in frames:
            origin = self._origin(connection)
            try:
                mapped = VENUE.map_frame(channel, frame, origin, recv_ns)
            except Fault as fault:
                self.note(fault)
                continue
            self._sequences[connection] += mapped.row_count
            for fault in mapped.faults:
                self.note(fault)
            events += mapped.events
        told = [event for event in events if self._is_new(event)]
        if told:
            await self._on_events(told)

    def _origin(self, connection: str) -> Origin:
        return Origin(
            source=VENUE.name,
            chain_id=137,
            dex=VENUE.name,
            connection=connection,
            first_sequence=self._sequences[connection],
        )

    def _is_new(self, event: Struct, count: int = 1) -> bool:
        """Say whether a trade or fill was not told before, by whichever channel."""
        key = _key(event)
        is_new = key is None or self._seen.is_new(key, count)
        self.repeated_count += not is_new
        return is_new

    async def _ask_trades(self) -> None:
        config = self.config
        limits = HttpLimits(answer_timeout_ms=config.answer_timeout_ms)
        query = {"limit": str(config.trades_per_question), "takerOnly": "false"}
        if config.trade_usd_min:
            query |= {"filterType": "CASH", "filterAmount": str(config.trade_usd_min)}
        connection = f"{self._run_id}-trades"
        async with HttpEndpoint(f"{config.data_url}/trades", self._clock, limits) as http:
            while True:
                answer = await http.get(f"?{urlencode(query)}")
                if isinstance(answer, HttpFailure):
                    self.note(answer.fault)
                    if isinstance(answer.fault, Refused):
                        raise answer.fault
                else:
                    await self._answered(connection, answer.recv_ns, answer.body)
                await asyncio.sleep(config.trades_poll_ms / 1_000)

    async def _answered(self, connection: str, recv_ns: int, body: bytes) -> None:
        try:
            mapped = VENUE.map_frame("trades", body, self._origin(connection), recv_ns)
        except Fault as fault:
            self.note(fault)
            return
        self._sequences[connection] += mapped.row_count
        for fault in mapped.faults:
            self.note(fault)
        # one answer tells a wallet's equal fills of one transaction so often as they were
        counts: Counter[object] = Counter()
        told: list[Struct] = []
        for event in mapped.events:
            counts[_key(event)] += 1
            if self._is_new(event, counts[_key(event)]):
                told.append(event)
        if told:
            await self._on_events(told)

    async def _fares(self, endpoint: str, state: HealthState, detail: str) -> None:
        now_ns = self._clock.now_ns()
        self._sequences["health"] += 1
        health = Health(
            event_ns=now_ns,
            recv_ns=now_ns,
            source=VENUE.name,
            connection=f"{self._run_id}-health",
            sequence=self._sequences["health"],
            endpoint=endpoint,
            state=state,
            detail=detail,
        )
        await self._on_events([health])

    @property
    def endpoint(self) -> str:
        """Where the books come from, without what opens it."""
        return redact_url(self.config.ws_url)


def _key(event: Struct) -> tuple[object, ...] | None:
    """Return what names a trade or fill wherever it is told; None where nothing does."""
    match event:
        case WalletTrade(tx_hash=bytes()):
            parts = (event.tx_hash, event.instrument, event.wallet, event.side, event.price, event.size)
            return ("trade", *parts)
        case OwnFill():
            return ("fill", event.trade_id, event.order_id, event.status)
        case _:
            return None
