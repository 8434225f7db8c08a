"""What would another policy have earned, told by what one earned whose choices' probabilities are known."""

import numpy as np
from msgspec import Struct

from tidemill.learn.arrays import Floats
from tidemill.schema.faults import Refused

_Z_95 = 1.959964


class Estimate(Struct, frozen=True, kw_only=True):
    """The mean reward a decision of a policy."""

    mean: float
    low_95: float
    high_95: float
    """The mean is within these in 95 of 100 such samples, if rows are independent."""
    rows: int
    effective_rows: float
    """As many rows of the policy's own would tell as much: (Σw)² / Σw²."""


def mean_reward(rewards: Floats) -> Estimate:
    """Return what the policy that was followed earned, of float64[n]. Raises: Refused."""
    return _estimate(rewards, np.ones(len(rewards)))


def inverse_propensity(probabilities: Floats, propensities: Floats, rewards: Floats) -> Estimate:
    """Return what a policy would have earned by inverse propensity; unbiased, and wide where policies differ.

    All float64[n], a row a decision: how probable the action that was taken is under the policy to be judged,
    how probable it was when it was taken, and what it earned.

    Raises: Refused, where a propensity is not above 0 and at most 1, or there are fewer than two rows.
    Source: Horvitz and Thompson (1952), A generalization of sampling without replacement.
    """
    weights = _weights(probabilities, propensities)
    return _estimate(weights * rewards, weights)


def doubly_robust(
    probabilities: Floats,
    propensities: Floats,
    rewards: Floats,
    expected_taken: Floats,
    expected_policy: Floats,
) -> Estimate:
    """Return what a policy would have earned, of a model's rewards corrected by inverse propensity.

    Beside what `inverse_propensity` takes, float64[n]: the reward that a model expects of the action that was
    taken, and of the policy's own choice in that state. Unbiased where propensities or the model are right.

    Raises: Refused, as `inverse_propensity`.
    Source: Dudík, Langford and Li (2011), Doubly robust policy evaluation and learning, arXiv:1103.4601.
    """
    weights = _weights(probabilities, propensities)
    return _estimate(expected_policy + weights * (rewards - expected_taken), weights)


def _weights(probabilities: Floats, propensities: Floats) -> Floats:
    if not np.all((propensities > 0) & (propensities <= 1)):
        raise Refused("propensities: expected more than 0 and 1 at most, found others")
    return probabilities / propensities


def _estimate(values: Floats, weights: Floats) -> Estimate:
    if len(values) < 2:
        raise Refused(f"decisions to judge by: expected two at least, found {len(values)}")
    mean = float(np.mean(values))
    reach = _Z_95 * float(np.std(values, ddof=1)) / len(values) ** 0.5
    squares = float(np.sum(weights**2))
    return Estimate(
        mean=mean,
        low_95=mean - reach,
        high_95=mean + reach,
        rows=len(values),
        effective_rows=float(np.sum(weights)) ** 2 / squares if squares else 0.0,
    )
