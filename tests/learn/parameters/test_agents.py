"""Agents learn which action pays, explore as they say, and give the same files again."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.learn.parameters.agent import DEFAULT, Actions
from tidemill.learn.parameters.q_learning import METRICS, Q_TABLE, REPLAY, QLearningAgent, QSettings, state_of
from tidemill.learn.parameters.thompson import ThompsonAgent
from tidemill.schema.faults import Malformed, Refused

STATE = "ethereum_medium_normal"
ACTIONS = Actions(slippages=(0.5, 1.0), priority_fees=(1.0, 2.5, 5.0))


def q_agent(**more: object) -> QLearningAgent:
    return QLearningAgent(None, actions=ACTIONS, **more)  # type: ignore[arg-type]


def taught(agent: QLearningAgent | ThompsonAgent, best: dict[str, int], rounds: int = 600) -> None:
    """What pays is one action in each state; the dice are the test's world, not the product's."""
    dice = random.Random(5)
    for _ in range(rounds):
        state = dice.choice(sorted(best))
        action = agent.choose(state).action
        reward = (10.0 if action == best[state] else 1.0) + dice.gauss(0, 1)
        agent.update(state, ACTIONS.params(action), reward, success=reward > 0, next_state=None)


@pytest.mark.parametrize("agent", [q_agent(), ThompsonAgent(ACTIONS)], ids=["q", "thompson"])
def test_what_pays_best_is_learned_for_each_state(agent: QLearningAgent | ThompsonAgent) -> None:
    best = {"ethereum_low_low": 0, "ethereum_high_high": 5}
    taught(agent, best)
    assert {state: agent.best(state) for state in best} == best
    assert agent.get_action("ethereum_high_high") == {"slippage": 1.0, "priority_fee": 5.0}
    assert agent.expected("ethereum_low_low", 0) == pytest.approx(10, abs=1)


@pytest.mark.parametrize("agent", [QLearningAgent(None), ThompsonAgent()], ids=["q", "thompson"])
def test_before_anything_was_learned_the_default_is_chosen(agent: QLearningAgent | ThompsonAgent) -> None:
    assert agent.get_action(STATE) == DEFAULT == {"slippage": 0.5, "priority_fee": 2.5}


def test_a_loss_is_worse_than_what_was_never_tried_but_not_chosen_over_what_was() -> None:
    agent = q_agent()
    agent.update(STATE, ACTIONS.params(0), -5, success=False, next_state=None)
    assert agent.best(STATE) == 0  # nothing else is known to be better
    agent.update(STATE, ACTIONS.params(3), -1, success=False, next_state=None)
    assert agent.best(STATE) == 3


def test_both_orders_of_success_and_next_state_are_taken() -> None:
    agents = [q_agent() for _ in range(4)]
    action = ACTIONS.params(1)
    agents[0].update(STATE, action, 100, "ethereum_low_low", True)
    agents[1].update(STATE, action, 100, True, "ethereum_low_low")
    agents[2].update(STATE, action, reward=100, next_state="ethereum_low_low", success=True)
    agents[3].update(state=STATE, action=action, reward=100, success=True, next_state="ethereum_low_low")
    assert len({repr(list(agent._buffer)) for agent in agents}) == 1
    assert agents[0].metrics.success_rate == 1


def test_what_comes_after_counts_by_the_discount() -> None:
    agent = q_agent(settings=QSettings(discount=0.5))
    agent.update("later", ACTIONS.params(2), 8.0, success=True, next_state=None)
    agent.update(STATE, ACTIONS.params(0), 1.0, success=True, next_state="later")
    assert agent.expected(STATE, 0) == 5


def test_exploration_falls_to_its_least() -> None:
    agent = q_agent(settings=QSettings(epsilon_decay=0.5, epsilon_min=0.1))
    said = []
    for _ in range(5):
        said.append(agent.metrics.epsilon)
        agent.update(STATE, ACTIONS.params(0), 1.0, success=True)
    assert said == [1.0, 0.5, 0.25, 0.125, 0.1]


@given(epsilon=st.floats(0.05, 1), seed=st.integers(0, 99))
def test_propensities_are_probabilities_of_what_is_chosen(epsilon: float, seed: int) -> None:
    agent = q_agent(settings=QSettings(epsilon=epsilon), seed=seed)
    agent.update(STATE, ACTIONS.params(4), 1.0, success=True)
    told = dict(agent.choose(STATE) for _ in range(60))
    told.pop(4, None)
    assert all(share == pytest.approx(agent.metrics.epsilon / 6) for share in told.values())


def test_the_bandit_lends_a_new_state_what_it_learned_elsewhere() -> None:
    agent = ThompsonAgent(ACTIONS)
    taught(agent, {"ethereum_low_low": 2, "ethereum_high_high": 2})
    assert agent.best("polygon_low_low") == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"action": {"slippage": 0.7, "priority_fee": 1.0}}, "action: expected slippage"),
        ({"reward": float("nan")}, "reward: expected a number"),
        ({"success": None}, "update: expected success"),
    ],
)
@pytest.mark.parametrize("agent", [q_agent(), ThompsonAgent(ACTIONS)], ids=["q", "thompson"])
def test_an_outcome_that_is_none_is_refused(
    agent: QLearningAgent | ThompsonAgent, change: dict[str, object], said: str
) -> None:
    outcome = {"state": STATE, "action": ACTIONS.params(0), "reward": 1.0, "success": True}
    with pytest.raises(Refused, match=said):
        agent.update(**{**outcome, **change})  # type: ignore[arg-type]


def test_what_was_saved_is_loaded_and_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        agent = q_agent(seed=3)
        taught(agent, {STATE: 4}, 100)
        agent.replay(50)
        agent.save(tmp_path / name)
    for file in (Q_TABLE, METRICS, REPLAY):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    loaded = QLearningAgent(tmp_path / "one")
    assert loaded.get_action(STATE) == ACTIONS.params(4)
    assert loaded.metrics.updates == 100
    loaded.save(tmp_path / "three")
    assert (tmp_path / "three" / REPLAY).read_bytes() == (tmp_path / "one" / REPLAY).read_bytes()
    with pytest.raises(Refused, match=r"expected q_table\.json to have the actions"):
        QLearningAgent(tmp_path / "one", actions=Actions())


@pytest.mark.parametrize("file", [Q_TABLE, METRICS, REPLAY])
@pytest.mark.parametrize("damage", ["truncated", "foreign", "gone"])
def test_a_damaged_file_is_malformed_by_its_name(tmp_path: Path, file: str, damage: str) -> None:
    agent = q_agent()
    agent.update(STATE, ACTIONS.params(0), 1.0, success=True)
    agent.save(tmp_path)
    path = tmp_path / file
    if damage == "gone" and file != Q_TABLE:
        path.unlink()
    else:
        path.write_text(path.read_text()[:-9] if damage == "truncated" else json.dumps({"a": 1}))
    with pytest.raises(Malformed, match=file):
        QLearningAgent(tmp_path)


def test_a_table_of_the_wrong_size_is_malformed(tmp_path: Path) -> None:
    agent = q_agent()
    agent.update(STATE, ACTIONS.params(0), 1.0, success=True)
    agent.save(tmp_path)
    table = json.loads((tmp_path / Q_TABLE).read_text())
    table["values"][STATE].pop()
    (tmp_path / Q_TABLE).write_text(json.dumps(table))
    with pytest.raises(Malformed, match="expected 6 values"):
        QLearningAgent(tmp_path)


def test_a_state_is_named_by_where_the_last_values_lie() -> None:
    assert state_of("ethereum", range(10), [9, 1, 5, 3, 4]) == "ethereum_high_normal"
    assert state_of("polygon", [5.0], [3, 2, 1]) == "polygon_low_low"
