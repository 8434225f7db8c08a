"""What searches one chain: its finder, what that follows, and what a recording must keep of both."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import MsgspecError, json

from tidemill.app.chains.pursuit import Pursuit
from tidemill.bus import Bus
from tidemill.chains.evm.config import EvmConfig
from tidemill.process.autopsy import AutopsyBook
from tidemill.process.opportunities import OpportunityFinder, SearchConfig
from tidemill.process.pools import PoolBook
from tidemill.process.token_natures import TokenNatures
from tidemill.schema.faults import Malformed, Refused

_KEY = b"search/config"
"""Where the state that a recording begins with has the search of its run."""


class Searching(NamedTuple):
    """The search of one chain, as a run begins it."""

    pursuit: Pursuit
    state: dict[bytes, bytes]
    """What a recording must begin with so that its replay can search alike."""


async def begin_search(finder: OpportunityFinder, bus: Bus, book: PoolBook, config: EvmConfig) -> Searching:
    """Return the search that goes on with what an earlier run left on the bus. Raises: Malformed."""
    kept: dict[bytes, bytes] = {}
    for prefix in (AutopsyBook.prefix_of(config.source), TokenNatures.prefix_of(config.source)):
        kept.update(await bus.state(prefix))
    if finder.tokens is not None:
        finder.tokens.load(kept)
    pursuit = make_pursuit(finder, book, config, kept)
    return Searching(pursuit, {**kept, _KEY: json.encode(finder.config)})


def recorded_search(state: Mapping[bytes, bytes], book: PoolBook, config: EvmConfig) -> Searching | None:
    """Return the search of a recorded run, as that began it; None where it had none. Raises: Malformed."""
    if _KEY not in state:
        return None
    try:
        search = json.decode(state[_KEY], type=SearchConfig)
    except MsgspecError as error:
        raise Malformed(f"recording: its search cannot be read: {error}") from error
    tokens = TokenNatures(config.source)
    tokens.load(state)
    finder = OpportunityFinder(search, config.source, config.chain_id, tokens)
    return Searching(make_pursuit(finder, book, config, state), {})


def make_pursuit(
    finder: OpportunityFinder, book: PoolBook, config: EvmConfig, state: Mapping[bytes, bytes]
) -> Pursuit:
    """Return what finds opportunities in the pools of `book` as they are now, and follows those that `state`
    has too. Raises: Malformed.
    """
    pools = book.pools_before([])
    autopsy = AutopsyBook(
        finder, pools, blocks=finder.config.autopsy_blocks, window_blocks=config.window_blocks
    )
    prefix = AutopsyBook.prefix_of(config.source)
    autopsy.load({key: value for key, value in state.items() if key.startswith(prefix)})
    if autopsy.behind:
        autopsy.catch_up(book.pools_before(autopsy.behind))
    return Pursuit(finder, autopsy, pools)


def make_finders(
    search: Mapping[str, SearchConfig], chains: Mapping[str, EvmConfig]
) -> dict[str, OpportunityFinder]:
    """Return what searches each chain that is to be searched. Raises: Refused."""
    for name in search:
        if name not in chains:
            known = ", ".join(sorted(chains)) or "none"
            raise Refused(f"search.{name}: expected the name of a chain ({known})")
    return {
        name: OpportunityFinder(config, name, chains[name].chain_id, TokenNatures(name))
        for name, config in search.items()
    }
