"""A GraphQL server with the schemas of subgraphs, over HTTP and both WebSocket subprotocols, that misbehaves
when it is told to. `python -m tests.servers.subgraph` prints its port and serves until it is ended.

POST /control takes {"mirror": {"rpc_url", "pools"},
"mine": [blocks, swaps], "reorg": [depth, swaps], "set": {fault: value}, "drop": true};
GET /world tells what the chain has; POST /rpc answers eth_blockNumber.
"""

import asyncio
import json
import socket

import uvicorn
from ariadne import QueryType, ScalarType, SubscriptionType, make_executable_schema
from ariadne.asgi import GraphQL
from ariadne.asgi.handlers import GraphQLTransportWSHandler, GraphQLWSHandler
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from tests.servers.subgraph_schema import POOL_ENTITIES, TYPES, pool_row, sdl, swap_row
from tests.servers.subgraph_world import World

FAULTS = {
    "dead": False,
    "frozen": False,
    "garbage": False,
    "wrong_subprotocol": False,
    "only": "",
    "error": "",
    "partial": False,
    "huge": False,
    "operations_max": 0,
    "unacknowledged": False,
    "bad_decimals": False,
    "close_code": 0,
    "token": "",
}
HUGE_ROWS = 3_000


class Server:
    """The world, the faults of the day, and the sockets that are open."""

    def __init__(self) -> None:
        self.world = World()
        self.faults = dict(FAULTS)
        self.sockets: dict[int, asyncio.Event] = {}
        self.operations: dict[int, set[str]] = {}
        self.queries = 0
        self.mirroring: asyncio.Task[None] | None = None
        self.thawed = asyncio.Event()
        self.thawed.set()

    async def control(self, request):
        order = await request.json()
        faults = order.get("set", {})
        assert set(faults) <= {*FAULTS, "late", "has_errors"}, faults
        if "late" in faults:
            self.world.is_indexing = not faults.pop("late")
            self.world.index()
        self.world.has_errors = faults.pop("has_errors", self.world.has_errors)
        self.faults.update(faults)
        (self.thawed.clear if self.faults["frozen"] else self.thawed.set)()
        if "mirror" in order:
            self.mirroring = asyncio.create_task(self.world.mirror(**order["mirror"]))
        if "mine" in order:
            self.world.mine(*order["mine"])
        if "reorg" in order:
            self.world.reorg(*order["reorg"])
        for number in list(self.sockets) if order.get("drop") is True else order.get("drop", []):
            self.sockets[number].set()
        return await self.told(request)

    async def told(self, _request):
        if self.mirroring is not None and self.mirroring.done():
            self.mirroring.result()  # an indexer that ended is a fault of this server, told to who asks
        return JSONResponse(
            {
                "head": self.world.head["number"] if self.world.indexed else None,
                "chain_head": len(self.world.blocks) - 1,
                "swaps": self.world.swaps_until(self.world.indexed - 1),
                "sockets": {number: sorted(self.operations[number]) for number in self.sockets},
                "queries": self.queries,
            }
        )

    async def rpc(self, request):
        asked = await request.json()
        results = {"eth_blockNumber": hex(len(self.world.blocks) - 1), "eth_chainId": "0x89"}
        answer = {"jsonrpc": "2.0", "id": asked["id"], "result": results[asked["method"]]}
        return JSONResponse(answer)


class Misbehaving:
    """An application behind which faults are made."""

    def __init__(self, server: Server, dialect: str) -> None:
        self.server = server
        schema = make_schema(server, dialect)
        self.apps = {
            "graphql-transport-ws": GraphQL(schema, websocket_handler=GraphQLTransportWSHandler()),
            "graphql-ws": GraphQL(schema, websocket_handler=GraphQLWSHandler(keepalive=0.2)),
        }

    async def __call__(self, scope, receive, send):
        faults = self.server.faults
        if scope["type"] == "http":
            await self._http(scope, receive, send)
            return
        offered = [one for one in self.apps if one in scope["subprotocols"]]
        if faults["only"]:
            offered = [one for one in offered if one == faults["only"]]
        if faults["dead"] or not offered:
            status = 503 if faults["dead"] else 400
            await send({"type": "websocket.http.response.start", "status": status, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b""})
            return
        if faults["wrong_subprotocol"]:
            await receive()
            await send({"type": "websocket.accept", "subprotocol": "soap"})
            await receive()
            return
        await self._socket(self.apps[offered[0]], scope, receive, send)

    async def _http(self, scope, receive, send):
        faults = self.server.faults
        await self.server.thawed.wait()
        self.server.queries += 1
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if faults["token"] and headers.get("authorization") != f"Bearer {faults['token']}":
            message = "auth error: missing authorization header"
            await JSONResponse({"errors": [{"message": message}]})(scope, receive, send)
        elif faults["dead"]:
            await PlainTextResponse("dead", 503)(scope, receive, send)
        elif faults["garbage"]:
            await PlainTextResponse('{"data": {"_meta": [[[', 200)(scope, receive, send)
        else:
            await self.apps["graphql-ws"](scope, receive, send)

    async def _socket(self, app, scope, receive, send):
        server, faults = self.server, self.server.faults
        number = max(server.sockets, default=0) + 1
        dropped = server.sockets[number] = asyncio.Event()
        operations = server.operations[number] = set()

        async def hear():
            while True:
                hearing = asyncio.ensure_future(receive())
                dropping = asyncio.ensure_future(dropped.wait())
                await asyncio.wait((hearing, dropping), return_when=asyncio.FIRST_COMPLETED)
                dropping.cancel()
                if dropped.is_set():
                    hearing.cancel()
                    await send({"type": "websocket.close", "code": 1012})
                    return {"type": "websocket.disconnect", "code": 1012}
                await server.thawed.wait()
                message = hearing.result()
                if await take(message):
                    return message

        async def take(message):
            said = json.loads(message.get("text") or "{}")
            kind, name = said.get("type"), said.get("id", "")
            if kind == "connection_init" and faults["close_code"]:
                await send({"type": "websocket.close", "code": faults["close_code"]})
            if kind == "connection_init" and faults["unacknowledged"]:
                return False
            if kind in ("complete", "stop"):
                operations.discard(name)
            query = said.get("payload", {}).get("query", "") if kind in ("subscribe", "start") else ""
            if query.startswith("subscription"):
                if faults["operations_max"] and len(operations) >= faults["operations_max"]:
                    refusal = {"type": "error", "id": name, "payload": [{"message": "too many operations"}]}
                    await send({"type": "websocket.send", "text": json.dumps(refusal)})
                    return False
                operations.add(name)
            return True

        async def say(message):
            await server.thawed.wait()
            if message["type"] == "websocket.send" and faults["garbage"]:
                for frame in ('{"type": "next", "id"', "\u0000\u0001", "[" * 500, '{"type": "soap"}'):
                    await send({"type": "websocket.send", "text": frame})
            await send(message)

        try:
            await app(scope, hear, say)
        finally:
            del server.sockets[number], server.operations[number]


def make_schema(server: Server, dialect: str):
    """Return the executable schema of a dialect."""
    world, query, subscription = server.world, QueryType(), SubscriptionType()

    def block_at(block):
        found = world.block_of((block or {}).get("hash"))
        if found is None:
            raise ValueError("Failed to decode `block.hash` value: `no block with that hash found`")
        return found

    @query.field("_meta")
    def _meta(_root, _info, block=None):
        if server.faults["error"]:
            raise ValueError(server.faults["error"])
        return {"block": block_at(block), "deployment": "Qm", "hasIndexingErrors": world.has_errors}

    def swaps_of(block=None, first=100, where=None, orderBy="id", orderDirection="asc", **_):
        if server.faults["partial"] and block is not None:
            raise ValueError("Store error: query execution error: canceling statement due to timeout")
        number = block_at(block)["number"]
        pools = {pool["id"]: pool for pool in world.pools_at(number)}
        rows = [swap_row(dialect, swap, pools[swap["pool"]]) for swap in world.swaps_until(number)]
        if server.faults["bad_decimals"]:
            rows = [row | {"amount0": "1.0000000000000000001"} for row in rows]
        return chosen(rows, where or {}, orderBy, orderDirection, first)

    def chosen(rows, where, order_by, order_direction, first):
        rows = [row for row in rows if all(holds(row, key, wanted) for key, wanted in where.items())]
        rows.sort(key=lambda row: row[order_by], reverse=order_direction == "desc")
        return rows[: HUGE_ROWS if server.faults["huge"] else first]

    @query.field("swaps")
    def _swaps(_root, _info, **arguments):
        return swaps_of(**arguments)

    @query.field(POOL_ENTITIES.get(dialect, "pools"))
    def _pools(_root, _info, block=None, first=100, where=None, **_):
        rows = [pool_row(dialect, pool) for pool in world.pools_at(block_at(block)["number"])]
        return chosen(rows, where or {}, "id", "asc", first)

    @subscription.source("swaps")
    async def _announced(_root, _info, **arguments):
        while True:
            changed = world.changed
            yield swaps_of(**arguments)
            await changed.wait()

    @subscription.field("swaps")
    def _announcement(rows, _info, **_):
        return rows

    texts = [ScalarType(name, serializer=str) for name in ("BigInt", "BigDecimal", "Bytes")]
    return make_executable_schema(sdl(dialect), query, subscription, *texts)


def holds(row: dict, key: str, wanted) -> bool:
    """Say whether a row passes one `where` argument."""
    name, _, operator = key.rpartition("_")
    value = row[name]["id"] if isinstance(row[name], dict) else row[name]
    match operator:
        case "gt":
            return value > wanted
        case "gte":
            return int(value) >= int(wanted)
        case "lte":
            return int(value) <= int(wanted)
        case "in":
            return value in wanted
    raise ValueError(f"unknown argument {key}")


async def main() -> None:
    """Serve until ended; print the port."""
    server = Server()
    routes = [
        Route("/control", server.control, methods=["POST"]),
        Route("/world", server.told),
        Route("/rpc", server.rpc, methods=["POST"]),
        *(Mount(f"/{dialect}", Misbehaving(server, dialect)) for dialect in TYPES),
    ]
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(
        Starlette(routes=routes), log_level="warning", ws="websockets-sansio", lifespan="off"
    )
    await uvicorn.Server(config).serve([listening])


if __name__ == "__main__":
    asyncio.run(main())
