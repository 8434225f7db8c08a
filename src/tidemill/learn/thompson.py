"""Which action pays best, by Thompson sampling in which states lend each other their outcomes."""

from typing import NamedTuple

import numpy as np

from tidemill.learn.agent import ActionParams, Actions, Choice, in_order
from tidemill.learn.gas_series import Floats
from tidemill.schema.faults import Refused

POOLED_TRIES = 3.0
"""An action's mean over all states counts as so many outcomes in each of them."""
DRAWS = 256
"""Of the posterior, for each choice: its propensity is the share of them in which it was best."""


class _Outcomes(NamedTuple):
    tries: Floats
    total: Floats
    squares: Floats


class ThompsonAgent:
    """Chooses an action as often as it is probably the best; the same interface as QLearningAgent."""

    def __init__(self, actions: Actions | None = None, seed: int = 0) -> None:
        self.actions = actions or Actions()
        self._dice = np.random.default_rng(seed)
        self._all = self._none()
        self._states: dict[str, _Outcomes] = {}

    def get_action(self, state: str) -> ActionParams:
        """Return what is thought best; the default where nothing was tried."""
        return self.actions.params(self.best(state))

    def best(self, state: str) -> int:
        """Return the action of the greatest mean among those tried anywhere; the default before any."""
        is_tried = self._all.tries > 0
        if not is_tried.any():
            return self.actions.default
        mean, _ = self._posterior(state)
        return int(np.argmax(np.where(is_tried, mean, -np.inf)))

    def choose(self, state: str) -> Choice:
        """Return an action as often as it is the best among draws of the posterior."""
        mean, deviation = self._posterior(state)
        drawn = self._dice.normal(mean, deviation, (DRAWS, self.actions.count))
        shares = np.bincount(np.argmax(drawn, axis=1), minlength=self.actions.count) / DRAWS
        action = int(self._dice.choice(self.actions.count, p=shares))
        return Choice(action, float(shares[action]))

    def expected(self, state: str, action: int) -> float:
        """Return an action's mean reward in a state; 0 where it was never tried in any."""
        return float(self._posterior(state)[0][action])

    def update(
        self,
        state: str,
        action: ActionParams,
        reward: float,
        success: bool | str | None = None,
        next_state: str | bool | None = None,
    ) -> None:
        """Learn from an outcome; what state follows does not matter to a bandit.

        Raises: Refused, where the action is none, the reward no number, or success is not told.
        """
        in_order(success, next_state)
        if not np.isfinite(reward):
            raise Refused(f"reward: expected a number, found {reward}")
        index = self.actions.index(action)
        for outcomes in (self._all, self._states.setdefault(state, self._none())):
            outcomes.tries[index] += 1
            outcomes.total[index] += reward
            outcomes.squares[index] += reward**2

    def _none(self) -> _Outcomes:
        return _Outcomes(*np.zeros((3, self.actions.count)))

    def _posterior(self, state: str) -> tuple[Floats, Floats]:
        """Return the mean of each action's expected reward in a state, and its standard deviation."""
        every = self._all
        pooled = every.total / np.maximum(every.tries, 1)
        count = max(every.tries.sum(), 1.0)
        variance = every.squares.sum() / count - (every.total.sum() / count) ** 2
        own = self._states.get(state) or self._none()
        # An action that was tried nowhere has a prior as wide as all rewards are.
        prior = np.where(every.tries > 0, POOLED_TRIES, 1.0)
        mean = (own.total + POOLED_TRIES * pooled) / (own.tries + POOLED_TRIES)
        return mean, np.sqrt(max(variance, 1e-12) / (own.tries + prior))
