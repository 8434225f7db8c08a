"""Which action pays best, by Thompson sampling in which states lend each other their outcomes."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from tidemill.learn.arrays import Floats
from tidemill.learn.json_files import read_json, to_json, write_file
from tidemill.learn.parameters.agent import ActionParams, Actions, Choice, outcome_of
from tidemill.schema.faults import Malformed

BANDIT = "bandit.json"

POOLED_TRIES = (0.05, 300.0)
"""What an action gains over all states counts as so many outcomes in each of them, at least and at most: in
between as many as outcomes vary by themselves beside how much states differ."""
UNKNOWN_TRIES = 3.0
"""As long as nobody can tell how much they differ."""
DRAWS = 256
"""Of the posterior, for each choice: its propensity is the share of them in which it was best."""
_ROUNDS = 3
"""Of telling apart what is the state's and what the action's."""


class BanditTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was learned: of each state and action the tries, the rewards' sum and their squares'."""

    actions: Actions
    tries: dict[str, list[float]]
    totals: dict[str, list[float]]
    squares: dict[str, list[float]]


class _Posterior(NamedTuple):
    """Of each action's expected reward in one state: float64[actions]."""

    mean: Floats
    deviation: Floats


class ThompsonAgent:
    """Chooses an action as often as it is probably the best; the same interface as QLearningAgent."""

    def __init__(self, actions: Actions | None = None, seed: int = 0) -> None:
        self.actions = actions or Actions()
        self._dice = np.random.default_rng(seed)
        self._places: dict[str, int] = {}
        self._tries = np.zeros((0, self.actions.count))
        self._total = np.zeros((0, self.actions.count))
        self._squares = np.zeros((0, self.actions.count))

    def get_action(self, state: str) -> ActionParams:
        """Return what is thought best; the default where nothing was tried."""
        return self.actions.params(self.best(state))

    def best(self, state: str) -> int:
        """Return the action of the greatest mean among those tried anywhere; the default before any."""
        is_tried = self._tries.sum(axis=0) > 0
        if not is_tried.any():
            return self.actions.default
        return int(np.argmax(np.where(is_tried, self._posterior(state).mean, -np.inf)))

    def choose(self, state: str) -> Choice:
        """Return an action as often as it is the best among draws of the posterior."""
        mean, deviation = self._posterior(state)
        drawn = self._dice.normal(mean, deviation, (DRAWS, self.actions.count))
        shares = np.bincount(np.argmax(drawn, axis=1), minlength=self.actions.count) / DRAWS
        action = int(self._dice.choice(self.actions.count, p=shares))
        return Choice(action, float(shares[action]))

    def expected(self, state: str, action: int) -> float:
        """Return an action's mean reward in a state; 0 where it was never tried in any."""
        return float(self._posterior(state).mean[action]) if self._tries[:, action].any() else 0.0

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
        outcome_of(reward, success, next_state)
        index, place = self.actions.index(action), self._place(state)
        self._tries[place, index] += 1
        self._total[place, index] += reward
        self._squares[place, index] += reward**2

    def save(self, data: Path) -> Path:
        """Write bandit.json, and return where."""
        held = {"tries": self._tries, "totals": self._total, "squares": self._squares}
        rows = {
            name: {state: one[place].tolist() for state, place in self._places.items()}
            for name, one in held.items()
        }
        return write_file(data / BANDIT, to_json(BanditTable(actions=self.actions, **rows)))

    @classmethod
    def load(cls, data: Path, seed: int = 0) -> "ThompsonAgent":
        """Return what was saved in `data`. Raises: Malformed, where its file is none of ours, or absent."""
        path = data / BANDIT
        if not path.exists():
            raise Malformed(f"{path}: expected it, found none; train anew")
        table = read_json(path, BanditTable)
        held = (table.tries, table.totals, table.squares)
        lengths = {len(row) for rows in held for row in rows.values()}
        if lengths - {table.actions.count} or len({frozenset(rows) for rows in held}) != 1:
            raise Malformed(f"{path}: expected {table.actions.count} numbers of each state, found others")
        agent = cls(table.actions, seed)
        agent._places = {state: place for place, state in enumerate(table.tries)}
        shape = (len(table.tries), table.actions.count)
        agent._tries, agent._total, agent._squares = (
            np.array(list(rows.values()), dtype=float).reshape(shape) for rows in held
        )
        return agent

    def _place(self, state: str) -> int:
        if state not in self._places:
            self._places[state] = len(self._places)
            none = np.zeros((1, self.actions.count))
            self._tries, self._total, self._squares = (
                np.vstack((held, none)) for held in (self._tries, self._total, self._squares)
            )
        return self._places[state]

    def _posterior(self, state: str) -> _Posterior:
        tries, total = self._tries, self._total
        count = max(tries.sum(), 1.0)
        level = total.sum() / count
        bases, gains = _levels_and_gains(tries, total, level)
        spread = max(self._squares.sum() / count - level**2, 1e-12)
        within = self._squares.sum() - (total**2 / np.maximum(tries, 1)).sum()
        again = tries.sum() - (tries > 0).sum()
        noise = max(within / again, 1e-12) if again >= tries.shape[1] else spread
        pooled_tries = _pooled_tries(tries, total - tries * (bases[:, None] + gains), noise)
        place = self._places.get(state)
        prior_mean = gains + (level if place is None else bases[place])
        own_tries = np.zeros(self.actions.count) if place is None else tries[place]
        own_total = np.zeros(self.actions.count) if place is None else total[place]
        mean = (own_total + pooled_tries * prior_mean) / (own_tries + pooled_tries)
        every = tries.sum(axis=0)
        # An action that was tried nowhere has a prior as wide as all rewards are.
        known = np.where(every > 0, 1 / (own_tries + pooled_tries) + 1 / np.maximum(every, 1), 1.0)
        return _Posterior(mean, np.sqrt(np.where(every > 0, noise, spread) * known))


def _levels_and_gains(tries: Floats, total: Floats, level: float) -> tuple[Floats, Floats]:
    """Return each state's own level, and what each action adds to it in all of them; 0 where never tried."""
    bases, gains = np.full(len(tries), level), np.zeros(tries.shape[1])
    every, each = tries.sum(axis=0), tries.sum(axis=1)
    for _ in range(_ROUNDS):
        gains = np.where(every > 0, (total - tries * bases[:, None]).sum(axis=0) / np.maximum(every, 1), 0.0)
        # A state is near the others until it has outcomes of its own.
        bases = (level * UNKNOWN_TRIES + (total - tries * gains).sum(axis=1)) / (each + UNKNOWN_TRIES)
    return bases, gains


def _pooled_tries(tries: Floats, left: Floats, noise: float) -> float:
    """Return how many outcomes the pooled gain is worth: noise over how much cells differ beyond noise."""
    cells = tries > 0
    if cells.sum() < 2:
        return UNKNOWN_TRIES
    means, counts = left[cells] / tries[cells], tries[cells]
    between = float(np.mean(means**2 - noise / counts))
    return float(np.clip(noise / max(between, 1e-12), *POOLED_TRIES))
