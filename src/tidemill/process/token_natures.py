"""Which pools may be searched: those whose tokens were tried, and were not found to be odd."""

from collections.abc import Mapping, Sequence

from tidemill._rust import CoinsPool, PoolSet
from tidemill.schema.events import TokenNature, TokenTrial
from tidemill.schema.faults import Malformed

_NATIVE = bytes(20)
"""What V4 calls the chain's own token: nothing of it can be odd."""
_MANAGED = frozenset({"uniswap_v4", "balancer_v2", "balancer_v3"})
"""Whose manager or vault, their factory, has the tokens of all pools."""


class TokenNatures:
    """What is known of the tokens of one chain's pools.

    A pool waits until all of its tokens were tried. It neither asks nor reads a clock: whoever asks takes
    what is `wanted` and tells what was found.
    """

    def __init__(self, source: str) -> None:
        self.tried: dict[bytes, TokenNature | None] = {_NATIVE: TokenNature.ORDINARY}
        """By token; None where nothing could be told, which is tried again by a later run."""
        self._prefix = self.prefix_of(source)
        self._tokens: dict[bytes, tuple[bytes, ...]] = {}
        """By pool."""
        self._waiting: dict[bytes, set[bytes]] = {}
        """Pools that wait for a token."""
        self._due: set[bytes] = set()
        """Pools that waited and may be searched now."""
        self._wanted: dict[bytes, bytes] = {}
        self._state: dict[bytes, bytes | None] = {}

    @staticmethod
    def prefix_of(source: str) -> bytes:
        """Return what every key of a source's state starts with."""
        return f"token_nature/{source}/".encode()

    def load(self, state: Mapping[bytes, bytes]) -> None:
        """Take up what an earlier run kept; other keys are passed over. Raises: Malformed."""
        for key, value in state.items():
            if key.startswith(self._prefix):
                try:
                    token = bytes.fromhex(key.removeprefix(self._prefix).decode())
                    self.tried[token] = TokenNature(value.decode())
                except ValueError as fault:
                    raise Malformed(f"bus state {key!r}: expected a token's nature: {fault}") from fault

    def tell(self, trial: TokenTrial) -> None:
        """Take what a trial found."""
        self.tried[trial.token] = trial.nature
        if trial.nature is not None:
            self._state[self._prefix + trial.token.hex().encode()] = trial.nature.value.encode()
        for pool in self._waiting.pop(trial.token, ()):
            if all(token in self.tried for token in self._tokens[pool]):
                self._due.add(pool)

    def sift(self, pools: PoolSet, touched: Sequence[bytes]) -> tuple[list[bytes], dict[bytes, str]]:
        """Return which pools to search, of `touched` and of those that waited; and which never, with why."""
        asked, self._due = {*touched, *self._due}, set()
        searched: list[bytes] = []
        left_out: dict[bytes, str] = {}
        for address in sorted(asked):
            tokens = self._tokens_of(pools, address)
            untried = [token for token in tokens if token not in self.tried]
            for token in untried:
                self._waiting.setdefault(token, set()).add(address)
            if untried:
                continue
            why = self._unusual(tokens)
            if why is None:
                searched.append(address)
            else:
                left_out[address] = why
        return searched, left_out

    def take_wanted(self) -> dict[bytes, bytes]:
        """Return the tokens to try since the last call, each with a holder of it."""
        wanted, self._wanted = self._wanted, {}
        return wanted

    def take_state(self) -> dict[bytes, bytes | None]:
        """Return the keys to set since the last call."""
        state, self._state = self._state, {}
        return state

    def _tokens_of(self, pools: PoolSet, address: bytes) -> tuple[bytes, ...]:
        """Return a pool's tokens; none of one that is not followed any more, or tells none."""
        known = self._tokens.get(address)
        if known is not None:
            return known
        pool = pools.get(address)
        if pool is None or pool.token0 is None or pool.token1 is None:
            return ()
        tokens = tuple(pool.coins) if isinstance(pool, CoinsPool) else (pool.token0, pool.token1)
        if not tokens:
            return ()
        self._tokens[address] = tokens
        holder = pool.factory if pool.protocol in _MANAGED and pool.factory is not None else address
        for token in tokens:
            if token not in self.tried and token not in self._waiting:
                self._wanted[token] = holder
        return tokens

    def _unusual(self, tokens: tuple[bytes, ...]) -> str | None:
        for token in tokens:
            nature = self.tried[token]
            if nature is not None and nature.oddity is not None:
                return f"token 0x{token.hex()}: {nature}: {nature.oddity}"
        return None
