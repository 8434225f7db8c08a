"""Who talks to Sei's nodes: one of them at a time, of the right network only, and proof of all it told."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import msgspec

from tidemill.core.backoff import Backoff
from tidemill.core.clock import NS_PER_MS, Clock
from tidemill.core.endpoint import redact_url
from tidemill.core.http import HttpAnswer, HttpEndpoint, HttpLimits
from tidemill.core.shards import Shards
from tidemill.schema.events import Health, HealthState
from tidemill.schema.faults import Fault, Malformed, Refused, Unreachable, Unsafe, leaves
from tidemill.venues.sei.config import (
    HEADS_QUERY,
    SUBSCRIPTIONS_MAX,
    SeiConfig,
    SeiEndpointConfig,
    check_sei,
    encoding_of,
    queries_of,
)
from tidemill.venues.sei.follower import Kept, SeiFollower
from tidemill.venues.sei.frames import (
    Block,
    Head,
    Listed,
    Status,
    Tx,
    read_answers,
    read_block,
    read_status,
    request,
)
from tidemill.venues.sei.link import CometLink
from tidemill.venues.sei.mapping import load_mapping
from tidemill.venues.sei.meaning import Reader
from tidemill.venues.sei.telling import Teller, Told

_BATCHES_LOST_MAX = 5
"""So many questions for blocks in a row may fail before another node is tried."""
_LAG_BLOCKS_MAX = 100
"""A node that is less behind what is proven is waited for: 40 s."""

OnTold = Callable[[list[Told], Kept], Awaitable[None]]
"""Takes what is told, in order, and what is to be kept with it: of the parts those that changed."""


async def ask_status(http: HttpEndpoint) -> Status:
    """Return which network a node is of, and how far it is. Raises: Unreachable, Refused, Malformed."""
    answer = await _post(http, msgspec.json.encode(request(0, "status")))
    return read_status(read_answers(answer.body, http.endpoint).get("0", {}))


def check_status(config: SeiConfig, url: str, status: Status) -> None:
    """Raise Refused where a node is of another network, Unreachable while it catches up."""
    if status.network != config.chain_id:
        raise Refused(
            f"{redact_url(url)}: expected a node of network {config.chain_id}, as chain_id says,"
            f" found one of {status.network}"
        )
    if status.is_catching_up:
        raise Unreachable(f"{redact_url(url)}: it is catching up, at block {status.height}")


async def _post(http: HttpEndpoint, body: bytes) -> HttpAnswer:
    answer = await http.post(body)
    if isinstance(answer, HttpAnswer):
        return answer
    raise answer.fault


class SeiReader:
    """Reads one network; `run` it until cancelled."""

    def __init__(
        self, config: SeiConfig, clock: Clock, run_id: str, on_told: OnTold, source: str = "sei"
    ) -> None:
        mapping = load_mapping(config.mapping)
        self.config = check_sei(config, mapping)
        self.faults: deque[Fault] = deque(maxlen=100)
        """The last ones."""
        self.fault_count = 0
        self.states: dict[str, Health] = {}
        """How each endpoint fares."""
        self.leader: str | None = None
        """The endpoint that is read."""
        self.connection_count = 0
        """How often one was read."""
        self.heard_count = 0
        """Messages that came in."""
        self.last_head_ns: int | None = None
        self.teller = Teller(source, run_id)
        instruments = {name: one.first_height for name, one in config.instruments.items()}
        reader = Reader(mapping, config.instruments)
        self.follower = SeiFollower(config.chain_id, reader, instruments, self.teller)
        self._clock = clock
        self._on_told = on_told
        self._due = asyncio.Event()
        self._written = asyncio.Event()
        self._pending: list[Health] = []
        self._refused: dict[str, str] = {}
        self._shards = Shards(SUBSCRIPTIONS_MAX)
        for query in (HEADS_QUERY, *queries_of(config, mapping)):
            self._shards.add(query)

    async def run(self, kept: Kept) -> None:
        """Read until cancelled; go on from what an earlier run kept.

        Raises: Refused, where no endpoint is left that may be read; Malformed or Unsafe for what was kept.
        """
        if kept:
            self.follower.load(kept)
        elif self.config.start != "latest":
            self.follower.begin(self.config.start - 1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write(), name=f"tell {self.teller.source}")
            await self._read_one_after_another()

    async def _read_one_after_another(self) -> None:
        backoff = Backoff(self.config.reconnect_first_ms, self.config.reconnect_max_ms)
        loop, turn = asyncio.get_running_loop(), 0
        while True:
            left = [one for one in self.config.endpoints if one.ws_url not in self._refused]
            if not left:
                raise Refused("venues.sei: no endpoint is left: " + "; ".join(self._refused.values()))
            endpoint, opened_s = left[turn % len(left)], loop.time()
            try:
                await self._read(endpoint)
            except* Fault as faults:
                fault = next(leaves(faults))
                assert isinstance(fault, Fault)
                turn += not isinstance(fault, Refused | Unsafe)  # a refused one leaves its place to the next
                await self._failed(endpoint, fault)
            await asyncio.sleep(backoff.wait_s(loop.time() - opened_s))

    async def _failed(self, endpoint: SeiEndpointConfig, fault: Fault) -> None:
        self.leader = None
        self.note(fault)
        is_refused = isinstance(fault, Refused | Unsafe)
        if is_refused:
            self._refused[endpoint.ws_url] = str(fault)
        self._fares(endpoint, HealthState.REFUSED if is_refused else HealthState.DOWN, str(fault))
        await self._tell()

    async def _read(self, endpoint: SeiEndpointConfig) -> None:
        """Read one endpoint until a fault ends it."""
        self._fares(endpoint, HealthState.CONNECTING, "")
        limits = HttpLimits(answer_timeout_ms=self.config.answer_timeout_ms)
        async with AsyncExitStack() as opened:
            http = await opened.enter_async_context(HttpEndpoint(endpoint.http_url, self._clock, limits))
            check_status(self.config, endpoint.http_url, await ask_status(http))
            links = {shard: await opened.enter_async_context(self._link(endpoint)) for shard in self._shards}
            async with asyncio.TaskGroup() as tasks:
                for shard, link in links.items():
                    hearing = link.run(self._tell)
                    tasks.create_task(hearing, name=f"hear {link.endpoint} {shard}")
                await self._subscribe(endpoint, links)
                await self._prove(endpoint, http)

    def _link(self, endpoint: SeiEndpointConfig) -> CometLink:
        return CometLink(endpoint, self._clock, self._hear, self.note, self.config.answer_timeout_ms)

    async def _subscribe(self, endpoint: SeiEndpointConfig, links: dict[int, CometLink]) -> None:
        """Subscribe to transactions first, so that none of the first block that is announced is missed."""
        for link in links.values():
            status = read_status(await link.ask("status"))
            check_status(self.config, endpoint.ws_url, status)
            self._leave_out(status, link.endpoint)
            self.follower.connected(status.height, self._clock.now_ns())
        for shard, link in links.items():
            for query in sorted(self._shards.keys_of(shard) - {HEADS_QUERY}):
                await link.ask("subscribe", query=query)
        heads = self._shards.shard_of(HEADS_QUERY)
        assert heads is not None
        self.last_head_ns = self._clock.now_ns()
        await links[heads].ask("subscribe", query=HEADS_QUERY)
        self.leader = redact_url(endpoint.ws_url)
        self.connection_count += 1
        self._fares(endpoint, HealthState.LEADING, f"network {self.config.chain_id}")
        await self._tell()

    def _leave_out(self, status: Status, where: str) -> None:
        """Tell as a gap what the node does not have any more, and what is too much to read.

        Raises: Unreachable, where the node is far behind what is proven.
        """
        height = self.follower.height
        if height is None:
            return
        if status.height < height - _LAG_BLOCKS_MAX:
            raise Unreachable(
                f"{where}: expected block {height}, which is proven, found it at {status.height}"
            )
        if status.earliest_height > height + 1:
            why = f"the node's first block is {status.earliest_height}"
            self.follower.skip(status.earliest_height - 1, why, self._clock.now_ns())
        elif status.height - height > self.config.catch_up_blocks_max:
            why = f"more than catch_up_blocks_max ({self.config.catch_up_blocks_max}) blocks were missed"
            self.follower.skip(status.height, why, self._clock.now_ns())

    def _hear(self, heard: Tx | Head | Listed, recv_ns: int) -> None:
        self.heard_count += 1
        if isinstance(heard, Head):
            self.last_head_ns = recv_ns
        self.follower.hear(heard, recv_ns)

    # --- proof

    async def _prove(self, endpoint: SeiEndpointConfig, http: HttpEndpoint) -> None:
        """Ask for whole blocks until a fault ends it."""
        lost = 0
        while True:
            wanted = self.follower.wanted(self.config.blocks_per_request)
            if wanted:
                try:
                    blocks, recv_ns = await self._ask_blocks(endpoint, http, wanted)
                    self.follower.prove(blocks, recv_ns)
                except (Unreachable, Malformed) as fault:
                    lost += 1
                    if lost >= _BATCHES_LOST_MAX:
                        raise
                    self.note(fault)
                else:
                    lost = 0
                    await self._tell()
                    if len(wanted) == self.config.blocks_per_request:
                        continue
            await asyncio.sleep(self.config.confirm_ms / 1_000)
            self._check_silence(endpoint)

    def _check_silence(self, endpoint: SeiEndpointConfig) -> None:
        silent_ms = (self._clock.now_ns() - (self.last_head_ns or 0)) // NS_PER_MS
        if silent_ms > self.config.silence_ms:
            raise Unreachable(f"{redact_url(endpoint.ws_url)}: it announced no block for {silent_ms} ms")

    async def _ask_blocks(
        self, endpoint: SeiEndpointConfig, http: HttpEndpoint, wanted: range
    ) -> tuple[list[Block], int]:
        questions = [
            request(2 * height + number, method, height=str(height))
            for height in wanted
            for number, method in enumerate(("block", "block_results"))
        ]
        answer = await _post(http, msgspec.json.encode(questions))
        # a busy block's results are megabytes, for which the loop has no time
        return await asyncio.to_thread(_blocks, endpoint, http.endpoint, answer.body, wanted), answer.recv_ns

    # --- what it says of itself

    def note(self, fault: Fault) -> None:
        """Count a fault."""
        self.faults.append(fault)
        self.fault_count += 1

    def _fares(self, endpoint: SeiEndpointConfig, state: HealthState, detail: str) -> None:
        where = redact_url(endpoint.ws_url)
        before = self.states.get(where)
        if before is not None and (before.state, before.detail) == (state, detail):
            return
        health = self.teller.health(where, state, detail, self._clock.now_ns())
        self.states[where] = health
        self._pending.append(health)

    async def _tell(self) -> None:
        """Wait until everything so far is kept: who is slow there is slow to hear."""
        self._written.clear()
        self._due.set()
        await self._written.wait()

    async def _write(self) -> None:
        """Hand over what is told, in order; the end of a connection does not interrupt it."""
        while True:
            await self._due.wait()
            self._due.clear()
            faults, self.follower.faults = self.follower.faults, []
            for fault in faults:
                self.note(fault)
            pending, self._pending = self._pending, []
            told = [*pending, *self.follower.take()]
            if told:
                await self._on_told(told, self.follower.dump())
            if not self._due.is_set():
                self._written.set()


def _blocks(endpoint: SeiEndpointConfig, where: str, body: bytes, wanted: range) -> list[Block]:
    answers = read_answers(body, where)
    found: list[Block] = []
    for height in wanted:
        block, results = (answers.get(str(2 * height + number)) for number in (0, 1))
        if block is None or results is None:
            raise Malformed(f"{where}: expected block {height} and its results, found neither or one")
        found.append(read_block(block, results, encoding_of(endpoint)))
    return found
