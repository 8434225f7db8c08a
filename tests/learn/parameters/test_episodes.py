"""Is who learns from episodes shown to earn more where that is so, and not where it is not?"""

import random
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from tidemill.learn.card import episodes_card
from tidemill.learn.parameters.agent import ActionParams
from tidemill.learn.parameters.bootstrap import mean_of_differences
from tidemill.learn.parameters.chosen import chosen_agent, write_report
from tidemill.learn.parameters.episodes import EpisodesReport, Trial, learn_from_episodes
from tidemill.learn.parameters.q_learning import Q_TABLE
from tidemill.learn.plots import episode_plots
from tidemill.schema.faults import Malformed, Refused


class MadeEnvironment:
    """A high fee earns `gain` more. The dice are the test's world, not the product's."""

    def __init__(self, gain: float) -> None:
        self._gain, self._luck = gain, 0.0

    async def begin(self, episode: int) -> str:
        self._luck = random.Random(episode).gauss(5, 1)
        return "sandbox_low_low"

    async def outcome(self, params: ActionParams) -> Trial:
        reward = self._luck + (self._gain if params["priority_fee"] == 10 else 0)
        return Trial(reward, reward > 0)


async def report(gain: float) -> EpisodesReport:
    return (await learn_from_episodes(MadeEnvironment(gain), 400, judged_episodes=50, seed=3)).report


async def test_what_earns_more_is_shown_with_an_interval_above_zero() -> None:
    told = await report(4)
    bandit = next(line for line in told.lines if line.policy == "thompson")
    assert bandit.gain is not None
    assert bandit.gain.mean == pytest.approx(4)
    assert "thompson earns 4 USD more" in told.verdict
    assert "| fixed |" in episodes_card(told)


async def test_each_seed_is_judged_alone_and_all_together() -> None:
    judges = {one: MadeEnvironment(gain) for one, gain in ((3, 4.0), (4, 4.0), (5, 1.0))}
    learned = await learn_from_episodes(MadeEnvironment(4), 400, judged_episodes=50, seed=3, judges=judges)
    told = learned.report
    assert [one.seed for one in told.seeds] == [3, 4, 5]
    assert [one.gains["thompson"].mean for one in told.seeds] == pytest.approx([4, 4, 1])
    bandit = next(line for line in told.lines if line.policy == "thompson")
    assert bandit.gain is not None
    assert bandit.gain.mean == pytest.approx(3)
    assert bandit.gain.rows == told.judged_episodes == 150
    assert "Over 150 episodes of 3 seeds" in told.verdict
    assert "| 5 | " in episodes_card(told)


async def test_an_agent_that_earned_more_and_is_gone_is_malformed(tmp_path: Path) -> None:
    learned = await learn_from_episodes(MadeEnvironment(4), 400, judged_episodes=50, seed=3)
    lines = [line for line in learned.report.lines if line.policy == "q_learning"]
    write_report(tmp_path, structs.replace(learned.report, lines=lines))
    with pytest.raises(Malformed, match=f"{Q_TABLE}: expected it, found none"):
        chosen_agent(tmp_path)
    learned.q_agent.save(tmp_path)
    assert chosen_agent(tmp_path) is not None


async def test_where_nothing_earns_more_the_report_says_so() -> None:
    told = await report(0)
    assert "nobody is shown to earn more" in told.verdict
    assert "nobody is shown to earn more" in episodes_card(told)


async def test_too_few_episodes_to_judge_by_are_refused() -> None:
    with pytest.raises(Refused, match="expected 20 at least"):
        await learn_from_episodes(MadeEnvironment(0), 10, judged_episodes=5)


def test_what_both_met_alike_does_not_widen_the_interval() -> None:
    luck = np.random.default_rng(0).normal(0, 100, 300)
    gain = mean_of_differences(luck + 1, luck, seed=0)
    assert (gain.low_95, gain.mean, gain.high_95) == pytest.approx((1, 1, 1))
    shuffled = mean_of_differences(luck + 1, np.random.default_rng(1).permutation(luck), seed=0)
    assert shuffled.low_95 < 0 < shuffled.high_95
    with pytest.raises(Refused, match="expected two at least"):
        mean_of_differences(luck[:1], luck[:1], seed=0)


def test_plots_are_the_same_png_each_time() -> None:
    rewards = {"fixed": np.ones(9), "thompson": np.arange(9.0)}
    plots = [episode_plots(rewards)["earned.png"] for _ in range(2)]
    assert plots[0] == plots[1]
    assert plots[0].startswith(b"\x89PNG")
