"""Who listens at the local Polymarket's ports: sockets of three channels, and what REST answers."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from typing import Any, Self

import msgspec
from aiohttp import web
from msgspec import Struct
from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)

from tidemill.sandbox.emulators.polymarket.exchange import Exchange, Market, Moved
from tidemill.sandbox.emulators.polymarket.mischief import Mischief, garbage, stale_change
from tidemill.sandbox.emulators.polymarket.words import (
    OWN,
    Json,
    book,
    encode,
    hashed,
    last_trade,
    listed,
    live_trade,
    own_order,
    own_trade,
    price_change,
    slug,
    wallet_trade,
)

_TICK_S = 0.002
_HOST = "127.0.0.1"
_MILLION = 1_000_000


class EmulatorOptions(Struct, frozen=True, kw_only=True):
    """What the local Polymarket is like."""

    market_count: int = 50
    moves_per_s: float = 100
    seed: int = 1
    ws_port: int = 0
    """0 for any."""
    http_port: int = 0


class _Client(WSListener):
    """One connection of one channel."""

    def __init__(self, server: "PolymarketEmulator", channel: str) -> None:
        self.channel = channel
        self.transport: WSTransport | None = None
        self.tokens: set[str] = set()
        self._server = server

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self._server.clients.add(self)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._server.left(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        elif frame.msg_type is WSMsgType.TEXT:
            text = frame.get_payload_as_bytes()
            if text.strip().upper() == b"PING":
                self.send(b"PONG")
            else:
                self._server.hear(self, text)

    def send(self, frame: bytes) -> None:
        """Send one text frame."""
        if self.transport is not None and not self.transport.underlying_transport.is_closing():
            self.transport.send(WSMsgType.TEXT, frame)

    def refuse(self) -> None:
        """End the connection, for its credentials are none."""
        if self.transport is not None:
            self.transport.send_close(WSCloseCode.POLICY_VIOLATION, b"invalid credentials")
            self.transport.disconnect()

    def end(self) -> None:
        """Close the connection without a word."""
        if self.transport is not None:
            self.transport.disconnect()


class PolymarketEmulator:
    """A local Polymarket; use it as an async context manager, then `run` it."""

    def __init__(self, options: EmulatorOptions) -> None:
        self.clients: set[_Client] = set()
        self.mischief = Mischief()
        self.exchange = Exchange(options.market_count, options.seed, _now_ms())
        self.ws_port = options.ws_port
        self.http_port = options.http_port
        self.frame_count = 0
        """Frames that were sent on the market channel, beside books at a subscription."""
        self.most_tokens = 0
        """That one connection ever had."""
        self._options = options
        self._dice = random.Random(options.seed)  # noqa: S311
        self._hearing: dict[str, set[_Client]] = {}
        """Whom the market channel tells of a token."""
        self._places = {
            token: (market, outcome)
            for market in self.exchange.markets
            for outcome, token in enumerate(market.tokens)
        }
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Listen."""
        async with AsyncExitStack() as opened:
            server = await ws_create_server(self._accept, _HOST, self.ws_port, max_frame_size=64 << 20)
            opened.push_async_callback(server.wait_closed)
            opened.callback(server.close)
            self.ws_port = server.sockets[0].getsockname()[1]
            runner = web.AppRunner(self._application(), access_log=None)
            await runner.setup()
            opened.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, _HOST, self.http_port).start()
            self.http_port = runner.addresses[0][1]
            self._opened = opened.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End every connection."""
        for client in list(self.clients):
            client.end()
        await self._opened.aclose()

    async def run(self) -> None:
        """Have things happen, so many a second, until cancelled."""
        began_s, done = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - began_s) * self._options.moves_per_s)
            for _ in range(min(due - done, 2_000)):
                self.tell(self.exchange.move(_now_ms()))
            done = due
            await asyncio.sleep(_TICK_S)

    # --- sockets

    def _accept(self, request: WSUpgradeRequest) -> _Client | None:
        path = request.path.decode().rstrip("/")
        channel = {"/ws/market": "market", "/ws/user": "user", "/live": "live"}.get(path)
        return None if channel is None else _Client(self, channel)

    def hear(self, client: _Client, text: bytes) -> None:
        """Take what a client says; what cannot be read ends its connection."""
        try:
            said: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            client.end()
            return
        tokens = said.get("assets_ids")
        if client.channel == "market" and isinstance(tokens, list):
            self._subscribe(client, tokens, is_off=said.get("operation") == "unsubscribe")
        elif client.channel == "user":
            self._admit(client, said)
        elif client.channel == "live" and said.get("action") == "subscribe":
            client.tokens = set(self._places)

    def _admit(self, client: _Client, said: dict[str, Any]) -> None:
        auth = msgspec.convert(said.get("auth") or {}, dict[str, str])
        if auth.get("apiKey") != OWN:
            client.refuse()
            return
        client.tokens = set(self._places)

    def _subscribe(self, client: _Client, tokens: list[str], *, is_off: bool) -> None:
        if len(tokens) > self.mischief.tokens_per_frame:
            client.end()
            return
        if is_off:
            client.tokens.difference_update(tokens)
            self._unheard(client, tokens)
            return
        new = [token for token in tokens if token in self._places and token not in client.tokens]
        client.tokens.update(new)
        for token in new:
            self._hearing.setdefault(token, set()).add(client)
        self.most_tokens = max(self.most_tokens, len(client.tokens))
        if not (self.mischief.no_books or self.mischief.is_frozen):
            client.send(encode([book(*self._places[token]) for token in new]))

    def left(self, client: _Client) -> None:
        """Forget a connection that ended."""
        self.clients.discard(client)
        self._unheard(client, client.tokens)

    def _unheard(self, client: _Client, tokens: Iterable[str]) -> None:
        for token in tokens:
            self._hearing.get(token, set()).discard(client)

    def tell(self, moved: Moved) -> None:
        """Tell everybody whom it concerns what happened."""
        if self.mischief.is_frozen:
            return
        market = self.exchange.markets[moved.market]
        for client in {client for token in market.tokens for client in self._hearing.get(token, ())}:
            self._tell_market(client, market, moved)
        if not moved.fills:
            return
        for client in self.clients:
            if client.channel == "live" and client.tokens:
                for fill in moved.fills:
                    self._twice_maybe(client, encode(live_trade(market, fill)))

    def _tell_market(self, client: _Client, market: Market, moved: Moved) -> None:
        if len(client.tokens) > self.mischief.tokens_per_connection:
            return
        outcomes = [outcome for outcome, token in enumerate(market.tokens) if token in client.tokens]
        if not self._happens(self.mischief.drop_ppm):
            client.send(encode(price_change(market, moved, outcomes)))
            self.frame_count += 1
        for fill in moved.fills:
            if fill.outcome in outcomes:
                self._twice_maybe(client, encode(last_trade(market, fill)))
                self.frame_count += 1
        if moved.fills and not self._happens(self.mischief.drop_ppm):
            # whole books are told again after trades that touch them
            client.send(encode([book(market, outcome) for outcome in outcomes]))
            self.frame_count += 1
        if self._happens(self.mischief.garbage_ppm):
            client.send(garbage(self._dice, market.tokens[outcomes[0]], moved.event_ms))

    def _tell_own(self, status: str) -> None:
        """Tell the account that an order was placed, or how far its match is settled."""
        market, now_ms = self.exchange.markets[0], _now_ms()
        placed = own_order(market, "0x01", now_ms)
        said = placed if status == "PLACED" else own_trade(market, "t1", "0x01", status, now_ms)
        for client in self.clients:
            if client.channel == "user" and client.tokens:
                self._twice_maybe(client, encode(said))

    def _tell_stale(self, token: str) -> None:
        """Tell a change of a token's book that is a day old."""
        for client in self.clients:
            if token in client.tokens and client.channel == "market":
                client.send(encode(stale_change(token, _now_ms())))

    def _twice_maybe(self, client: _Client, frame: bytes) -> None:
        client.send(frame)
        if self._happens(self.mischief.repeat_ppm):
            client.send(frame)

    def _happens(self, share_ppm: int) -> bool:
        return share_ppm > 0 and self._dice.randrange(_MILLION) < share_ppm

    # --- REST

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=16 << 20)
        application.router.add_post("/books", self._books)
        application.router.add_get("/book", self._book)
        application.router.add_get("/markets", self._markets)
        application.router.add_get("/trades", self._trades)
        application.router.add_post("/control", self._control)
        return application

    async def _books(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=list[dict[str, str]])
        tokens = [one["token_id"] for one in asked]
        answer: list[Json] = []
        for token in tokens:
            if token in self._places:
                answer.append(self._whole(token))
                await asyncio.sleep(0)  # what happens meanwhile is told meanwhile
        return _answer(answer)

    async def _book(self, request: web.Request) -> web.Response:
        token = request.query.get("token_id", "")
        if token not in self._places:
            return web.Response(status=404, body=encode({"error": "No orderbook exists"}))
        return _answer(self._whole(token))

    def _whole(self, token: str) -> Json:
        told = hashed(book(*self._places[token]))
        return told | {"hash": "0" * 40} if self.mischief.is_hash_wrong else told

    async def _markets(self, request: web.Request) -> web.Response:
        offset, limit = int(request.query.get("offset", "0")), int(request.query.get("limit", "100"))
        slugs = request.query.getall("slug", [])
        found = [market for market in self.exchange.markets if not slugs or slug(market) in slugs]
        return _answer(listed(found[offset : offset + limit]))

    async def _trades(self, request: web.Request) -> web.Response:
        limit = int(request.query.get("limit", "100"))
        newest = list(self.exchange.fills)[-limit:][::-1]
        return _answer([wallet_trade(self.exchange.markets[fill.market], fill) for fill in newest])

    async def _control(self, request: web.Request) -> web.Response:
        """Take an order: mischief, the end of every connection, a whale's trade; answer with the counts."""
        order: dict[str, Any] = msgspec.json.decode(await request.read(), type=dict[str, Any])
        if "set" in order:
            self.mischief = msgspec.convert(order["set"], Mischief)
        if order.get("end"):
            for client in list(self.clients):
                client.end()
        if "whale" in order:
            self.tell(self.exchange.whale_trade(int(order["whale"]), _now_ms()))
        if "stale" in order:
            self._tell_stale(str(order["stale"]))
        if "own" in order:
            self._tell_own(str(order["own"]))
        if "moves" in order:
            _repeat(lambda: self.tell(self.exchange.move(_now_ms())), int(order["moves"]))
        return _answer(
            {
                "connections": len(self.clients),
                "tokens": sorted(len(client.tokens) for client in self.clients),
                "most_tokens": self.most_tokens,
                "frames": self.frame_count,
                "fills": len(self.exchange.fills),
                "whales": [f"0x{wallet}" for wallet in self.exchange.whales],
            }
        )


def _repeat(what: Callable[[], None], times: int) -> None:
    for _ in range(times):
        what()


def _answer(value: object) -> web.Response:
    return web.Response(body=encode(value), content_type="application/json")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def addresses(emulator: PolymarketEmulator) -> Iterable[str]:
    """Yield the settings that have tidemill read this emulator, as TOML."""
    ws, http = f"ws://{_HOST}:{emulator.ws_port}", f"http://{_HOST}:{emulator.http_port}"
    yield "[venues.polymarket]"
    yield "enabled = true"
    yield f'ws_url = "{ws}/ws"'
    yield f'live_url = "{ws}/live"'
    for name in ("http_url", "directory_url", "data_url"):
        yield f'{name} = "{http}"'
