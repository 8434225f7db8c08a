"""Have the tokens of a chain's pools tried while it is followed, and its machine told what was found."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from itertools import islice

from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.pool_query import PoolQuery
from tidemill.chains.evm.token_trial import Tried, tried_entry
from tidemill.chains.evm.token_trials import TokenTrials
from tidemill.core.clock import Clock
from tidemill.core.http import HttpEndpoint
from tidemill.core.recording import Entry

_AT_ONCE = 20
"""Tokens tried side by side: a few hundred calls, which is what nodes take of a batch or two."""


class TokenWatch:
    """Tries the tokens of one chain, through its first endpoint that takes HTTP."""

    def __init__(self, config: EvmConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._wanted: dict[bytes, bytes] = {}
        self._is_wanted = asyncio.Event()

    def want(self, wanted: Mapping[bytes, bytes]) -> None:
        """Have tokens tried; the values are holders of them."""
        self._wanted.update(wanted)
        if self._wanted:
            self._is_wanted.set()

    async def run(self, tell: Callable[[list[Entry]], Awaitable[None]]) -> None:
        """Try what is wanted, and `tell` what was found or that nothing could be told, until cancelled."""
        urls = [one.http_url for one in self._config.endpoints if one.http_url is not None]
        async with AsyncExitStack() as opened:
            trials: TokenTrials | None = None
            if urls:
                http = await opened.enter_async_context(HttpEndpoint(urls[0], self._clock))
                trials = TokenTrials(PoolQuery(self._config, http, self._clock))
            while True:
                await self._is_wanted.wait()
                some = dict(islice(self._wanted.items(), _AT_ONCE))
                number = None if trials is None else await trials.learn(some)
                natures = {} if trials is None else trials.natures
                now_ns = self._clock.now_ns()
                tried = [Tried(*one, number, natures.get(one[0])) for one in some.items()]
                await tell([tried_entry(one, now_ns) for one in tried])
                for token in some:
                    del self._wanted[token]
                if not self._wanted:
                    self._is_wanted.clear()
