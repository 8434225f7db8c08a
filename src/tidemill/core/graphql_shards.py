"""How are more subscriptions kept than one GraphQL connection carries: on several, each failing alone."""

import asyncio
from collections.abc import Callable

from tidemill.core.graphql_link import GraphqlLink
from tidemill.core.shards import Shards


class GraphqlShards:
    """Subscriptions over as many links as they need; `run` it until cancelled."""

    def __init__(self, make_link: Callable[[int], GraphqlLink], operations_max: int) -> None:
        self.links: dict[int, GraphqlLink] = {}
        """By shard."""
        self._make_link = make_link
        self._shards = Shards(operations_max)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    def subscribe(self, key: str, query: str) -> None:
        """Keep a subscription, on the connection that it stays on."""
        shard = self._shards.add(key)
        if shard not in self.links:
            self.links[shard] = self._make_link(shard)
            self._start(shard)
        self.links[shard].subscribe(key, query)

    def unsubscribe(self, key: str) -> None:
        """End a subscription; a connection that carries no other is closed."""
        shard = self._shards.remove(key)
        if shard is None:
            return
        self.links[shard].unsubscribe(key)
        if not self._shards.keys_of(shard):
            del self.links[shard]
            if shard in self._tasks:
                self._tasks.pop(shard).cancel()

    def shard_of(self, key: str) -> int | None:
        """Return which connection carries a subscription; None where none does."""
        return self._shards.shard_of(key)

    async def run(self) -> None:
        """Keep every connection until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            for shard in self.links:
                self._start(shard)
            await asyncio.Event().wait()

    def _start(self, shard: int) -> None:
        if self._group is not None:
            link = self.links[shard]
            self._tasks[shard] = self._group.create_task(link.run(), name=f"{link.endpoint} {shard}")
