"""Where an agent tries its choices and what comes of them, and how much more that earns than fixed ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from msgspec import Struct, field

from tidemill.learn.arrays import Floats
from tidemill.learn.parameters.agent import ActionParams, Actions
from tidemill.learn.parameters.bootstrap import mean_of_differences
from tidemill.learn.parameters.off_policy import Estimate, mean_reward
from tidemill.learn.parameters.q_learning import QLearningAgent, QSettings
from tidemill.learn.parameters.thompson import ThompsonAgent
from tidemill.schema.faults import Refused

JUDGED_EPISODES = 500
"""Played after those that were learned from, by every policy."""
JUDGED_MIN = 20
_EXPLORED_SHARE = 0.8
_LEARNING_RATE = 0.005
"""The chain's rules do not change: a mean of many outcomes is worth more than the newest few."""


class Trial(NamedTuple):
    """What came of a choice."""

    reward_usd: float
    """The profit less the gas that was paid for."""
    is_success: bool


class Environment(Protocol):
    """Opportunities, one after the other; each can be tried again, and is the same then."""

    async def begin(self, episode: int) -> str:
        """Open an episode, in the order of their numbers, and return the state that is seen."""
        ...

    async def outcome(self, params: ActionParams) -> Trial:
        """Return what comes of a choice in the episode that was opened."""
        ...


class PolicyLine(Struct, frozen=True, kw_only=True):
    """How one policy did in the episodes that were judged, USD each."""

    policy: str
    reward: Estimate
    successes: int
    gain: Estimate | None
    """Over the fixed defaults, episode by episode; the interval by paired bootstrap. Absent of themselves."""


class SeedGains(Struct, frozen=True, kw_only=True):
    """What each policy earned more than the fixed defaults in one seed's episodes."""

    seed: int
    gains: dict[str, Estimate]
    """By policy; each interval by paired bootstrap."""


class EpisodesReport(Struct, frozen=True, kw_only=True):
    """What was learned from episodes, and what that earned in others."""

    trained_episodes: int
    judged_episodes: int
    """Of all seeds."""
    seed: int
    """Of what was learned from."""
    seeds: list[SeedGains] = field(default_factory=list[SeedGains])
    """Of what was judged by, each alone; reports of earlier versions have none."""
    fixed: ActionParams
    lines: list[PolicyLine]
    """Over all seeds' episodes together; the defaults first."""

    @property
    def verdict(self) -> str:
        """Return one sentence that says who earns more than the defaults, or that nobody is shown to."""
        better = [one for one in self.lines if one.gain is not None and one.gain.low_95 > 0]
        if not better:
            return (
                f"Over {self._judged} nobody is shown to earn more than fixed parameters: "
                "each interval reaches zero. Keep to the defaults."
            )
        told = ", ".join(
            f"{one.policy} earns {gain.mean:.4g} USD more (95 %: {gain.low_95:.4g} to {gain.high_95:.4g})"
            for one in better
            if (gain := one.gain) is not None
        )
        return f"Over {self._judged}, than fixed parameters, an episode: {told}."

    @property
    def _judged(self) -> str:
        seeds = len(self.seeds)
        return f"{self.judged_episodes} episodes" + (f" of {seeds} seeds" if seeds > 1 else "")


class Learned(NamedTuple):
    """The agents, and how they did."""

    q_agent: QLearningAgent
    bandit: ThompsonAgent
    report: EpisodesReport
    rewards: Mapping[str, Floats]
    """Of each policy in the episodes that were judged, USD, one seed's after the other's."""


def _silent(_: int) -> None: ...


async def learn_from_episodes(
    environment: Environment,
    episodes: int,
    *,
    judged_episodes: int = JUDGED_EPISODES,
    seed: int = 0,
    judges: Mapping[int, Environment] | None = None,
    tell: Callable[[int], None] = _silent,
) -> Learned:
    """Have both agents explore `episodes`, then play others by what they think best; so do the defaults.

    `judges` are environments by their seeds, of each of which `judged_episodes` are played; by default the
    one that was learned from goes on. `tell` is told how many episodes were played.

    Raises: Refused, where there are too few to judge by; what the environment raises.
    """
    if judged_episodes < JUDGED_MIN:
        raise Refused(f"episodes to judge by: expected {JUDGED_MIN} at least, found {judged_episodes}")
    actions = Actions()
    q_agent = QLearningAgent(None, actions=actions, settings=_settings(episodes), seed=seed)
    bandit = ThompsonAgent(actions, seed)
    for episode in range(episodes):
        state = await environment.begin(episode)
        for agent in (q_agent, bandit):
            await _explore(environment, agent, state)
        tell(episode + 1)
    policies: dict[str, Callable[[str], ActionParams]] = {
        "fixed": lambda _: actions.params(actions.default),
        "q_learning": q_agent.get_action,
        "thompson": bandit.get_action,
    }
    played: dict[str, list[Trial]] = {name: [] for name in policies}
    judging = judges or {seed: environment}
    for number, judge in enumerate(judging.values()):
        for episode in range(episodes, episodes + judged_episodes):
            state = await judge.begin(episode)
            for name, policy in policies.items():
                played[name].append(await judge.outcome(policy(state)))
            tell(number * judged_episodes + episode + 1)
    rewards = {name: np.array([one.reward_usd for one in trials]) for name, trials in played.items()}
    report = EpisodesReport(
        trained_episodes=episodes,
        judged_episodes=judged_episodes * len(judging),
        seed=seed,
        seeds=list(_alone(rewards, list(judging), seed)),
        fixed=actions.params(actions.default),
        lines=_lines(played, rewards, seed),
    )
    return Learned(q_agent, bandit, report, rewards)


async def _explore(environment: Environment, agent: QLearningAgent | ThompsonAgent, state: str) -> None:
    params = agent.actions.params(agent.choose(state).action)
    trial = await environment.outcome(params)
    agent.update(state, params, trial.reward_usd, success=trial.is_success, next_state=None)


def _settings(episodes: int) -> QSettings:
    """Return how to learn from so many: exploring less and less until four fifths of them."""
    steps = max(round(episodes * _EXPLORED_SHARE), 1)
    least = QSettings().epsilon_min
    return QSettings(learning_rate=_LEARNING_RATE, epsilon_decay=least ** (1 / steps))


def _alone(rewards: Mapping[str, Floats], seeds: Sequence[int], seed: int) -> Iterator[SeedGains]:
    parts = {name: np.split(all_of_them, len(seeds)) for name, all_of_them in rewards.items()}
    for place, one in enumerate(seeds):
        gains = {
            name: mean_of_differences(part[place], parts["fixed"][place], seed)
            for name, part in parts.items()
            if name != "fixed"
        }
        yield SeedGains(seed=one, gains=gains)


def _lines(played: Mapping[str, list[Trial]], rewards: Mapping[str, Floats], seed: int) -> list[PolicyLine]:
    return [
        PolicyLine(
            policy=name,
            reward=mean_reward(rewards[name]),
            successes=sum(trial.is_success for trial in trials),
            gain=None if name == "fixed" else mean_of_differences(rewards[name], rewards["fixed"], seed),
        )
        for name, trials in played.items()
    ]
