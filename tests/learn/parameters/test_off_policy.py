"""What a policy would have earned is told from what another one did, with intervals that hold."""

import numpy as np
import pytest

from tidemill.learn.parameters.off_policy import doubly_robust, inverse_propensity, mean_reward
from tidemill.schema.faults import Refused

EARNS = np.array([1.0, 3.0])


def logged(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Choices of action 1 with a probability of 0.25, and what they earned."""
    dice = np.random.default_rng(seed)
    actions = (dice.random(rows) < 0.25).astype(int)
    return actions, np.where(actions == 1, 0.25, 0.75), EARNS[actions] + dice.normal(0, 0.5, rows)


def test_a_policy_is_judged_by_what_another_one_did() -> None:
    actions, propensities, rewards = logged(4_000, 1)
    always_one = (actions == 1).astype(float)
    expected = np.full(len(actions), 3.0)
    for estimate in (
        inverse_propensity(always_one, propensities, rewards),
        doubly_robust(always_one, propensities, rewards, EARNS[actions], expected),
    ):
        assert estimate.mean == pytest.approx(3, abs=0.3)
        assert estimate.effective_rows == pytest.approx(always_one.sum())
    assert mean_reward(rewards).mean == pytest.approx(1.5, abs=0.1)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    held = {"ips": 0, "dr": 0}
    widths = {"ips": 0.0, "dr": 0.0}
    for seed in range(300):
        actions, propensities, rewards = logged(200, seed)
        always_one = (actions == 1).astype(float)
        model = np.array([1.2, 2.6])  # a model that is wrong
        told = {
            "ips": inverse_propensity(always_one, propensities, rewards),
            "dr": doubly_robust(always_one, propensities, rewards, model[actions], np.full(200, model[1])),
        }
        for name, one in told.items():
            held[name] += one.low_95 <= 3 <= one.high_95
            widths[name] += one.high_95 - one.low_95
    assert all(270 <= count <= 297 for count in held.values())
    assert widths["dr"] < widths["ips"] / 2


def test_the_policy_that_was_followed_is_judged_by_its_mean() -> None:
    _, propensities, rewards = logged(100, 2)
    assert inverse_propensity(propensities, propensities, rewards) == mean_reward(rewards)


@pytest.mark.parametrize("propensity", [0.0, 1.5, float("nan")])
def test_a_propensity_that_is_none_is_refused(propensity: float) -> None:
    ones = np.ones(3)
    with pytest.raises(Refused, match="propensities: expected"):
        inverse_propensity(ones, np.array([0.5, propensity, 0.5]), ones)


def test_one_row_tells_nothing() -> None:
    with pytest.raises(Refused, match="expected two at least"):
        mean_reward(np.ones(1))
