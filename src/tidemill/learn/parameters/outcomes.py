"""What came of trades that were made: read from a ledger's lines, learned from, and held out to judge by."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from tidemill.learn.datasets.folds import parts_of
from tidemill.learn.parameters.agent import Actions, Agent
from tidemill.learn.parameters.off_policy import Estimate, doubly_robust, inverse_propensity, mean_reward
from tidemill.learn.parameters.q_learning import QLearningAgent
from tidemill.learn.parameters.thompson import ThompsonAgent
from tidemill.schema.faults import Malformed, Refused

Q_LEARNING = "q_learning"
"""The policy whose agent is saved."""
TRAIN_SHARE = 0.7
"""Of the outcomes, the first; the others judge."""
OUTCOMES_MIN = 20


class Outcome(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a ledger of outcomes."""

    event_ns: int
    state: str
    """Such as `ethereum_medium_normal`."""
    slippage: float
    """Percent."""
    priority_fee: float
    """Gwei."""
    reward_usd: float
    """What was gained after all costs; a failed trade's gas is a loss."""
    success: bool
    next_state: str | None = None
    propensity: float | None = None
    """How probable the choice was when it was made; absent where nobody knows: nothing can be judged then."""


class Judged(Struct, frozen=True, kw_only=True):
    """What a policy would have earned for each held-out decision, USD."""

    policy: str
    inverse_propensity: Estimate
    doubly_robust: Estimate
    gain: Estimate
    """Over what was followed, decision by decision, doubly robust."""


class AgentReport(Struct, frozen=True, kw_only=True):
    """What was learned from, and how good that would have been."""

    outcomes: int
    first_ns: int
    end_ns: int
    followed: Estimate
    """What the held-out decisions earned."""
    judged: list[Judged]
    verdict: str


class TrainedAgent(NamedTuple):
    """The agent that learned from all outcomes, and the report of one that learned from the earlier ones."""

    agent: QLearningAgent
    report: AgentReport


def read_outcomes(path: Path) -> list[Outcome]:
    """Return a ledger's outcomes, a JSON object a line, in the order of time. Raises: Malformed, Refused."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        raise Refused(f"{path}: expected a ledger of outcomes, found none") from None
    decoder = msgspec.json.Decoder(Outcome)
    outcomes: list[Outcome] = []
    for number, line in enumerate(lines, 1):
        try:
            outcomes.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise Malformed(f"{path}:{number}: expected an outcome as JSON: {fault}") from None
    return sorted(outcomes, key=lambda one: one.event_ns)


def train_agent(outcomes: Sequence[Outcome], episodes: int, seed: int) -> TrainedAgent:
    """Return an agent that went through `outcomes`, in turn and again, until it had so many episodes.

    Outcomes are those that were recorded, never drawn.

    Raises: Refused, where there are too few.
    """
    if len(outcomes) < OUTCOMES_MIN:
        raise Refused(f"outcomes: expected {OUTCOMES_MIN} at least, found {len(outcomes)}")
    actions = Actions(
        tuple(sorted({one.slippage for one in outcomes})),
        tuple(sorted({one.priority_fee for one in outcomes})),
    )
    train, _, test = parts_of(len(outcomes), (TRAIN_SHARE, 0.0, 1 - TRAIN_SHARE), 0)
    earlier = [outcomes[at] for at in train]
    q_agent, bandit = QLearningAgent(None, actions=actions, seed=seed), ThompsonAgent(actions, seed)
    _teach(q_agent, earlier, episodes)
    _teach(bandit, earlier, len(earlier))  # once each: a bandit counts an outcome told twice as two
    report = _report(outcomes, [outcomes[at] for at in test], {Q_LEARNING: q_agent, "thompson": bandit})
    agent = QLearningAgent(None, actions=actions, seed=seed)
    _teach(agent, outcomes, episodes)
    return TrainedAgent(agent, report)


def _teach(agent: Agent, outcomes: Sequence[Outcome], episodes: int) -> None:
    for at in range(episodes):
        one = outcomes[at % len(outcomes)]
        agent.update(
            one.state,
            {"slippage": one.slippage, "priority_fee": one.priority_fee},
            one.reward_usd,
            success=one.success,
            next_state=one.next_state,
        )


def _report(
    outcomes: Sequence[Outcome],
    held_out: Sequence[Outcome],
    agents: dict[str, QLearningAgent | ThompsonAgent],
) -> AgentReport:
    is_known = all(one.propensity is not None for one in held_out)
    judged = [_judged(name, agent, held_out) for name, agent in agents.items()] if is_known else []
    return AgentReport(
        outcomes=len(outcomes),
        first_ns=outcomes[0].event_ns,
        end_ns=outcomes[-1].event_ns,
        followed=mean_reward(np.array([one.reward_usd for one in held_out])),
        judged=judged,
        verdict=_verdict(judged),
    )


def _judged(name: str, agent: QLearningAgent | ThompsonAgent, held_out: Sequence[Outcome]) -> Judged:
    taken = [
        agent.actions.index({"slippage": one.slippage, "priority_fee": one.priority_fee}) for one in held_out
    ]
    best = [agent.best(one.state) for one in held_out]
    probabilities = np.array([float(a == b) for a, b in zip(taken, best, strict=True)])
    propensities = np.array([one.propensity for one in held_out], dtype=float)
    rewards = np.array([one.reward_usd for one in held_out])
    expected_taken = np.array(
        [agent.expected(one.state, at) for one, at in zip(held_out, taken, strict=True)]
    )
    expected_best = np.array([agent.expected(one.state, at) for one, at in zip(held_out, best, strict=True)])
    known = (probabilities, propensities, rewards, expected_taken)
    return Judged(
        policy=name,
        inverse_propensity=inverse_propensity(probabilities, propensities, rewards),
        doubly_robust=doubly_robust(*known, expected_best),
        # What was earned, taken off each decision, leaves the estimate of the difference.
        gain=doubly_robust(*known, expected_best - rewards),
    )


def _verdict(judged: list[Judged]) -> str:
    if not judged:
        return "Not judged: the ledger does not tell how probable each choice was. Keep it to PAPER."
    better = [one for one in judged if one.gain.low_95 > 0]
    if not better:
        return "Neither policy is shown to earn more than what was followed. Keep it to PAPER."
    best = max(better, key=lambda one: one.gain.mean)
    return (
        f"{best.policy} earns {best.gain.mean:.4g} USD a decision more than what was followed "
        f"(95 %: {best.gain.low_95:.4g} to {best.gain.high_95:.4g})."
    )
