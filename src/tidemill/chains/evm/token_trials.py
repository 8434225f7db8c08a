"""Which tokens of one chain move as ordinary ones do: tried through one endpoint, each token once."""

from collections.abc import Iterable, Mapping

from tidemill._rust import TokenTrial
from tidemill.chains.evm.pool_query import PoolQuery, PoolState
from tidemill.schema.events import TokenNature
from tidemill.schema.faults import Fault


def holders(states: Iterable[PoolState]) -> dict[bytes, bytes]:
    """Return the tokens of pools, each with who should have some of it: a pool, or the vault of one."""
    return {coin.address: state.reading.holder for state in states for coin in state.reading.coins}


class TokenTrials:
    """Tries tokens, and remembers what was found."""

    def __init__(self, query: PoolQuery) -> None:
        self.natures: dict[bytes, TokenNature] = {}
        """By token; those that could not be told are absent."""
        self._query = query
        self._untold: set[tuple[bytes, bytes]] = set()
        """Tokens and holders by which the node told nothing: it is not asked the same again."""

    def unusual(self, tokens: Iterable[bytes]) -> str | None:
        """Return why a pool of `tokens` must not be priced as others are; None where nothing says so."""
        for token in tokens:
            nature = self.natures.get(token)
            if nature is not None and nature.oddity is not None:
                return f"token 0x{token.hex()}: {nature}: {nature.oddity}"
        return None

    async def learn(self, wanted: Mapping[bytes, bytes]) -> int | None:
        """Try those tokens of `wanted` whose nature is not known; its values are holders, such as pools.

        Returns the number of the block on whose state they were tried; None where none was, or the endpoint
        did not answer.
        """
        new = {
            token: holder
            for token, holder in wanted.items()
            if token not in self.natures and (token, holder) not in self._untold
        }
        if not new:
            return None
        try:
            block_number = await self._query.newest_number()
            found = await self._run({token: TokenTrial(token, new[token], block_number) for token in new})
        except Fault:  # whatever is wrong with the endpoint, of these tokens nothing is known
            return None
        for token, nature in found.items():
            if nature is None:
                self._untold.add((token, new[token]))
            else:
                self.natures[token] = nature
        return block_number

    async def _run(self, trials: Mapping[bytes, TokenTrial]) -> dict[bytes, TokenNature | None]:
        """Run trials side by side, a round of questions of all of them at a time."""
        while going := [trial for trial in trials.values() if not trial.is_over]:
            asked = [trial.questions() for trial in going]
            told = iter(
                await self._query.results([question for questions in asked for question in questions])
            )
            for trial, questions in zip(going, asked, strict=True):
                trial.answer([next(told) for _ in questions])
        return {
            token: None if trial.nature is None else TokenNature(trial.nature)
            for token, trial in trials.items()
        }
