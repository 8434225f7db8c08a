"""How the world gains its pools of further kinds: every venue is built at once, block by block."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from tidemill.sandbox.site import Site
from tidemill.sandbox.venues import BUILDERS
from tidemill.sandbox.venues.oddities import build_oddities
from tidemill.sandbox.venues.venue import Ground
from tidemill.sandbox.world import Accounts, Address, FurtherPool, OddToken, Token

_Question = tuple[Address, str]


async def build_further(
    site: Site, modules: Path, accounts: Accounts, tokens: tuple[Token, ...]
) -> tuple[tuple[FurtherPool, ...], tuple[OddToken, ...]]:
    """Return the pools of further kinds and the odd tokens, deployed and filled.

    Raises: Refused where a transaction fails or there is no compiler; Unknown or Malformed where a package is
    not as pinned.
    """
    ground = Ground(site, modules, accounts, tokens)
    builds: list[Generator[list[_Question], list[str], Any]] = [
        *(builder.build(ground) for builder in BUILDERS),
        build_oddities(ground),
    ]
    *pools, odd_tokens = await _build_all(site, builds)
    return tuple(pool for of_venue in pools for pool in of_venue), tuple(odd_tokens)


async def _build_all(site: Site, builds: Sequence[Generator[list[_Question], list[str], Any]]) -> list[Any]:
    """Advance all builds together: what they send by their next question is mined in one block."""
    built: list[Any] = [None] * len(builds)
    answers: dict[int, list[str] | None] = dict.fromkeys(range(len(builds)))
    while answers:
        questions: dict[int, list[_Question]] = {}
        for index, answer in answers.items():
            try:
                build = builds[index]
                questions[index] = next(build) if answer is None else build.send(answer)
            except StopIteration as end:
                built[index] = end.value
        if questions:
            await site.mine()
        told = iter(await site.ask([one for asked in questions.values() for one in asked]))
        answers = {index: [next(told) for _ in asked] for index, asked in questions.items()}
    return built
