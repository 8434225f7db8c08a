"""What is learned from episodes on a sandbox that is started for them, and which files that makes."""

from collections.abc import Iterator
from pathlib import Path

from tidemill.app.training.execution_episodes import open_episodes
from tidemill.app.training.progress import progress
from tidemill.learn.card import episodes_card
from tidemill.learn.json_files import write_file
from tidemill.learn.parameters.chosen import write_report
from tidemill.learn.parameters.episodes import Learned, learn_from_episodes
from tidemill.learn.plots import episode_plots

CARD = "parameters_card.md"
SANDBOX = "sandbox"
"""What states are named after where no chain is."""


async def learned(
    episodes: int, judged_episodes: int, judged_seeds: int, *, seed: int, chain: str | None, is_shown: bool
) -> Learned:
    """Play episodes on a sandbox and return what was learned, judged by so many seeds, its own first.

    Raises: Refused or Unreachable, where the sandbox is not to be had.
    """
    total = episodes + judged_episodes * judged_seeds
    async with open_episodes(seed=seed, name=chain or SANDBOX) as environment:
        with progress("Episodes", total, is_shown=is_shown) as tell:
            later = {one: environment.of_seed(one) for one in range(seed + 1, seed + judged_seeds)}
            return await learn_from_episodes(
                environment,
                episodes,
                judged_episodes=judged_episodes,
                seed=seed,
                judges={seed: environment, **later},
                tell=tell,
            )


def written(data: Path, models: Path, made: Learned) -> Iterator[Path]:
    """Write what was learned and its card; yield the files."""
    yield from made.q_agent.save(data)
    yield made.bandit.save(data)
    yield write_report(data, made.report)
    yield write_file(models / CARD, episodes_card(made.report).encode())
    for name, png in episode_plots(made.rewards).items():
        yield write_file(models / "plots" / name, png)
