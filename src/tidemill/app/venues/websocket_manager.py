"""The public WebSocketManager: connect to exchanges on chains, and have their events given to callbacks."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from typing_extensions import override

from tidemill.app.chains.chain import chains_of
from tidemill.app.chains.dex_feed import DexFeed, Reader, known_dexes
from tidemill.app.operating.config_json import settings_of
from tidemill.app.settings import Environment, Settings
from tidemill.app.venues.subgraph_feed import SubgraphFeed
from tidemill.app.venues.subgraphs import subgraphs_of
from tidemill.app.venues.subscription import QUEUE_EVENTS_MAX, Callback, Subscription
from tidemill.chains.evm.config import EvmConfig
from tidemill.core.clock import NS_PER_S, Clock, SystemClock
from tidemill.core.config import read_env_file
from tidemill.core.redact import Redactor
from tidemill.core.started import Started
from tidemill.schema.events import HealthState
from tidemill.schema.faults import Refused, leaves


class WebSocketManager(Started):
    """Reads exchanges on chains and calls back with each of their events.

    `config` is tidemill's own settings, or a mapping as `settings_of` takes it. Use it as an async context
    manager, or call `start` and `stop`. Everything runs on the event loop that `start` was called on, and
    callbacks do too: one that is not async must return at once.

    Raises: Refused, naming the key, its value and what was expected.
    """

    def __init__(
        self,
        config: Settings | Environment | Mapping[str, Any],
        *,
        queue_events_max: int = QUEUE_EVENTS_MAX,
        clock: Clock | None = None,
    ) -> None:
        self._redact = config.redactor if isinstance(config, Environment) else Redactor()
        settings = config.settings if isinstance(config, Environment) else config
        if not isinstance(settings, Settings):
            settings = settings_of(settings, {**read_env_file(Path(".env")), **os.environ})
        if queue_events_max < 1:
            raise Refused(f"queue_events_max: expected at least 1, found {queue_events_max}")
        self._chains = chains_of(settings)
        named = subgraphs_of(settings.subgraphs, self._chains).values()
        self._subgraphs = {f"{config.dex}:{config.chain}": config for config in named}
        self._queue_events_max = queue_events_max
        self._clock = clock or SystemClock()
        self._feeds: dict[str, DexFeed] = {}
        self._subgraph_feeds: dict[str, SubgraphFeed] = {}
        self._connected: dict[str, int] = {}
        """When each `dex:chain` was connected, ns."""
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._running: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @override
    async def start(self) -> None:
        """Make ready to connect; where it is started already, nothing happens."""
        while self._running is not None and self._stopping.is_set():
            await asyncio.wait([self._running])
            self._running = None
        if self._running is not None:
            return
        self._stopping.clear()
        ready = asyncio.Event()
        self._running = asyncio.create_task(self._run(ready), name="websocket manager")
        await ready.wait()

    @override
    async def stop(self) -> None:
        """End every reader and every callback; where it is stopped already, nothing happens.

        What waits in the queues is not given any more. Registered callbacks stay registered. A callback that
        stops the manager is itself cancelled. An error of tidemill's own that ended the readers is raised.
        """
        running = self._running
        if running is None:
            return
        self._stopping.set()
        try:
            await asyncio.shield(running)  # a callback is cancelled here, and would else wait for itself
        finally:
            if running.done():
                self._running = None
                self._forget()

    async def connect(self, dex: str, chain: str) -> None:
        """Begin to read `dex` on `chain`; `get_connection_status` says how that goes.

        A family, such as sushiswap, stands for all of its versions that are known on the chain. Where the
        settings name a subgraph of `dex` on `chain`, that is read, and the chain while it is late or dead.
        Exchanges of one chain share its reader, which is widened where it runs. What is connected already
        stays as it is; what was refused or ended begins anew.

        Raises: Refused, where the manager is not started, or the chain or the exchange is not known.
        """
        key = self._checked(dex, chain)
        self._spawn()
        if key in self._subgraphs:
            self._want_subgraph(key, chain)
        else:
            self._want_chain(dex, chain)
        self._connected.setdefault(key, self._clock.now_ns())

    def _want_chain(self, dex: str, chain: str) -> None:
        if chain not in self._feeds:
            self._feeds[chain] = DexFeed(
                self._chains[chain],
                self._clock,
                self._spawn(),
                lambda dex, tag, batch: self._deliver(f"{dex}:{chain}", tag, batch),
                lambda: self._drained(chain),
            )
        self._feeds[chain].want(dex)

    def _want_subgraph(self, key: str, chain: str) -> None:
        if key in self._subgraph_feeds:
            self._subgraph_feeds[key].want()
            return
        self._subgraph_feeds[key] = SubgraphFeed(
            self._subgraphs[key],
            self._chains[chain],
            self._clock,
            self._spawn(),
            lambda tag, batch: self._deliver(key, tag, batch),
            lambda: self._drained(chain),
        )

    def register_callback(self, key: str, callback: Callback) -> Subscription:
        """Call `callback` with every event of `key`, "dex:chain", from now on, before or after `connect`.

        Returns a handle, whose `unregister` ends it. Raises: Refused, where the key is not known.
        """
        dex, colon, chain = key.partition(":")
        if not colon:
            raise Refused(f'callback: expected a key "dex:chain", found {key!r}')
        self._checked(dex, chain)
        if not callable(callback):
            raise Refused(f"callback {key}: expected a function, found {type(callback).__name__}")
        registered = self._subscriptions.setdefault(key, [])
        subscription = Subscription(
            key, callback, self._queue_events_max, lambda: _remove(registered, subscription)
        )
        registered.append(subscription)
        if self._tasks is not None:
            subscription.task = self._spawn()(subscription.run(), f"callback {key}")
        return subscription

    def get_connection_status(self) -> dict[str, dict[str, Any]]:
        """Return how each connected "dex:chain" fares.

        `state` is connecting, live (a WebSocket announces blocks), polling (blocks are asked for over HTTP),
        stale, down or refused; `endpoint` is the one that this is said of; `since_ns` says since when.
        """
        broken = self._broken()
        status = {key: self._status_of(key, since_ns) for key, since_ns in self._connected.items()}
        for told in status.values():
            if broken is not None:
                told |= {"state": "down", "endpoint": None, "last_fault": broken}
            told["detail"] = self._redact(told["detail"])
            told["last_fault"] = self._redact(told["last_fault"]) or None
        return status

    def _status_of(self, key: str, connected_ns: int) -> dict[str, Any]:
        dex, _, chain = key.partition(":")
        subgraph = self._subgraph_feeds.get(key)
        feed = None if subgraph is not None else self._feeds[chain]
        reader = subgraph.stand_in if subgraph is not None else feed.reader_of(dex) if feed else None
        last_ns = reader.last_message_ns if reader else None
        subscriptions = self._subscriptions.get(key, [])
        status: dict[str, Any] = {
            **_connection(reader, connected_ns),
            "tip": reader.tip if reader else None,
            "last_message_age_s": None if last_ns is None else (self._clock.now_ns() - last_ns) / NS_PER_S,
            "reconnects": (feed.reconnect_count if feed else 0) + (reader.reconnect_count if reader else 0),
            "last_fault": _last_fault(reader) or (feed.last_fault if feed else ""),
            "queued_events": sum(one.queued_events for one in subscriptions),
            "dropped_events": sum(one.dropped_events for one in subscriptions),
            "callback_errors": sum(one.error_count for one in subscriptions),
            "callbacks": [_callback_status(one) for one in subscriptions],
        }
        return status if subgraph is None else status | subgraph.connection()

    def _broken(self) -> str | None:
        """Return the error of our own that ended all readers, if one did; `stop` raises it."""
        if self._running is None or not self._running.done() or self._running.cancelled():
            return None
        ended = self._running.exception()
        if ended is None:
            return None
        error = next(leaves(ended))
        return f"{type(error).__name__}: {error}"

    async def _run(self, ready: asyncio.Event) -> None:
        try:
            async with asyncio.TaskGroup() as self._tasks:
                for subscription in self._all():
                    name = f"callback {subscription.key}"
                    subscription.task = self._tasks.create_task(subscription.run(), name=name)
                ready.set()
                await self._stopping.wait()
                for feed in (*self._feeds.values(), *self._subgraph_feeds.values()):
                    feed.retire()
                for subscription in self._all():
                    if subscription.task is not None:
                        subscription.task.cancel()
            self._forget()
        finally:
            self._tasks = None
            for subscription in self._all():
                subscription.task = None

    def _spawn(self) -> Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]:
        tasks = self._tasks
        if tasks is None or self._running is None or self._running.done():
            raise Refused("connect: expected a started manager, found one that is not; await start() first")
        return lambda work, name: tasks.create_task(work, name=name)

    def _forget(self) -> None:
        self._feeds.clear()
        self._subgraph_feeds.clear()
        self._connected.clear()

    def _all(self) -> list[Subscription]:
        return [one for registered in self._subscriptions.values() for one in registered]

    def _checked(self, dex: str, chain: str) -> str:
        if chain not in self._chains:
            known = ", ".join(sorted(self._chains)) or "none, as no chain is configured"
            raise Refused(f"chain: expected one of {known}, found {chain!r}")
        config: EvmConfig = self._chains[chain]
        if f"{dex}:{chain}" in self._subgraphs:
            return f"{dex}:{chain}"
        if dex not in (known_names := known_dexes(config)):
            known = ", ".join(known_names) or "none"
            raise Refused(
                f"dex: expected one of {known} on {chain} (chain id {config.chain_id}), found {dex!r}"
            )
        return f"{dex}:{chain}"

    def _deliver(self, key: str, tag: str, batch: pa.RecordBatch) -> None:
        for subscription in tuple(self._subscriptions.get(key, ())):
            subscription.offer(tag, batch)

    async def _drained(self, chain: str) -> None:
        for subscription in self._all():
            if subscription.key.endswith(f":{chain}"):
                await subscription.drained.wait()


def _remove(registered: list[Subscription], subscription: Subscription) -> None:
    if subscription in registered:
        registered.remove(subscription)


_RANKS = [
    ("", HealthState.LEADING, "live"),
    ("", HealthState.POLLING, "polling"),
    ("ws", HealthState.LIVE, "live"),
    ("ws", HealthState.STALE, "stale"),
    ("ws", HealthState.CONNECTING, "connecting"),
    ("ws", HealthState.DOWN, "down"),
    ("http", HealthState.LIVE, "polling"),
    ("", HealthState.STALE, "stale"),
    ("", HealthState.CONNECTING, "connecting"),
    ("", HealthState.DOWN, "down"),
    ("", HealthState.REFUSED, "refused"),
]
"""Which of a chain's endpoints speaks for all, the best first: how its URL begins, its state, and ours."""


def _connection(reader: Reader | None, connected_ns: int) -> dict[str, Any]:
    """Return state, endpoint, since when and why, as the best endpoint has it."""
    if reader is not None and reader.fault is not None:
        state = "refused" if isinstance(reader.fault, Refused) else "down"
        return _told(state, "", reader.ended_ns, str(reader.fault))
    heard = reader.pipeline.endpoints if reader is not None and reader.pipeline is not None else {}
    for start, state, name in _RANKS:
        for endpoint, health in heard.items():
            if health.state == state and endpoint.startswith(start):
                return _told(name, endpoint, health.event_ns, health.detail)
    return _told("connecting", "", connected_ns if reader is None else reader.begun_ns, "")


def _last_fault(reader: Reader | None) -> str:
    if reader is None:
        return ""
    if reader.fault is not None:
        return str(reader.fault)
    return str(reader.pipeline.faults[-1]) if reader.pipeline and reader.pipeline.faults else ""


def _told(state: str, endpoint: str, since_ns: int | None, detail: str) -> dict[str, Any]:
    return {"state": state, "endpoint": endpoint or None, "since_ns": since_ns, "detail": detail}


def _callback_status(one: Subscription) -> dict[str, Any]:
    return {
        "delivered_events": one.delivered_events,
        "queued_events": one.queued_events,
        "dropped_events": one.dropped_events,
        "errors": one.error_count,
        "last_error": one.last_error,
    }
