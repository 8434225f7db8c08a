"""Which slippage and priority fee pay best in which state: a table of values, epsilon-greedy."""

import random
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from tidemill.learn.json_files import read_json, to_json, write_file
from tidemill.learn.parameters.agent import ActionParams, Actions, Choice, outcome_of
from tidemill.schema.faults import Malformed, Refused

Q_TABLE, METRICS, REPLAY = "q_table.json", "rl_metrics.json", "replay_buffer.json"


class QSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it learns."""

    learning_rate: float = 0.1
    """Or one part in how often the action was tried, where that is more."""
    discount: float = 0.0
    """What the next state's value counts: nothing; a trade's parameters hardly decide the next state."""
    epsilon: float = 1.0
    """How probable a random choice is at first."""
    epsilon_min: float = 0.05
    epsilon_decay: float = 0.999
    """What it is multiplied by at each update."""
    buffer_max: int = 10_000
    """Outcomes that are kept to learn from again."""


class Experience(Struct, frozen=True, forbid_unknown_fields=True):
    """One outcome."""

    state: str
    action: int
    reward: float
    success: bool
    next_state: str | None


class QTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was learned: for each state and action the expected reward, and how often it was tried."""

    settings: QSettings
    actions: Actions
    epsilon: float
    values: dict[str, list[float]]
    tries: dict[str, list[int]]


class AgentMetrics(Struct, kw_only=True, forbid_unknown_fields=True):
    """What came of what it chose."""

    updates: int = 0
    successes: int = 0
    reward_sum_usd: float = 0.0
    states: int = 0
    epsilon: float = 1.0

    @property
    def success_rate(self) -> float | None:
        """Return the share of updates that succeeded; None before any."""
        return self.successes / self.updates if self.updates else None


class QLearningAgent:
    """Chooses a trade's parameters by a state such as `ethereum_medium_normal`; learns of outcomes."""

    def __init__(
        self,
        data: Path | str | None = Path("data"),
        *,
        actions: Actions | None = None,
        settings: QSettings | None = None,
        seed: int = 0,
    ) -> None:
        """Load what was saved in `data`, unless there is nothing, or `data` is None.

        Raises: Malformed, where a file is none of ours; Refused, where it has other actions or settings.
        """
        self.metrics = AgentMetrics()
        self._random = random.Random(seed)  # noqa: S311 exploration, no secret
        table = _read_table(Path(data) / Q_TABLE) if data is not None else None
        if table is not None and (actions or table.actions, settings or table.settings) != (
            table.actions,
            table.settings,
        ):
            raise Refused(
                f"{data}: expected {Q_TABLE} to have the actions and settings asked for, it has others"
            )
        self.actions = table.actions if table else actions or Actions()
        self.settings = table.settings if table else settings or QSettings()
        self._values = table.values if table else {}
        self._tries = table.tries if table else {}
        self._buffer: deque[Experience] = deque(maxlen=self.settings.buffer_max)
        self.metrics.epsilon = table.epsilon if table else self.settings.epsilon
        if table is not None and data is not None:
            self._load_rest(Path(data))

    def get_action(self, state: str) -> ActionParams:
        """Return what is thought best: slippage in percent, priority_fee in gwei; the default if unknown."""
        return self.actions.params(self.best(state))

    def best(self, state: str) -> int:
        """Return the action of the greatest value among those tried; the default before any was."""
        tries = self._tries.get(state)
        if tries is None or not any(tries):
            return self.actions.default
        values = self._values[state]
        return max((at for at in range(len(tries)) if tries[at]), key=lambda at: (values[at], -at))

    def choose(self, state: str) -> Choice:
        """Return a random action as often as epsilon says, otherwise the best."""
        best, epsilon, count = self.best(state), self.metrics.epsilon, self.actions.count
        action = self._random.randrange(count) if self._random.random() < epsilon else best
        return Choice(action, epsilon / count + (1 - epsilon if action == best else 0.0))

    def expected(self, state: str, action: int) -> float:
        """Return an action's value; 0 where it was never tried."""
        return self._values[state][action] if state in self._values else 0.0

    def update(
        self,
        state: str,
        action: ActionParams,
        reward: float,
        success: bool | str | None = None,
        next_state: str | bool | None = None,
    ) -> None:
        """Learn from an outcome; `success` and `next_state` may come in either order.

        Raises: Refused, where the action is none, the reward no number, or success is not told.
        """
        has_succeeded, following = outcome_of(reward, success, next_state)
        one = Experience(state, self.actions.index(action), reward, has_succeeded, following)
        self._buffer.append(one)
        self._learn(one)
        self.metrics.updates += 1
        self.metrics.successes += has_succeeded
        self.metrics.reward_sum_usd += reward
        self.metrics.states = len(self._values)
        self.metrics.epsilon = max(
            self.metrics.epsilon * self.settings.epsilon_decay, self.settings.epsilon_min
        )

    def replay(self, outcomes: int) -> None:
        """Learn once more from so many outcomes, drawn from those that are kept."""
        for one in self._random.choices(self._buffer, k=outcomes) if self._buffer else ():
            self._learn(one)

    def save(self, data: Path) -> list[Path]:
        """Write q_table.json, rl_metrics.json and replay_buffer.json, and return their paths."""
        table = QTable(
            settings=self.settings,
            actions=self.actions,
            epsilon=self.metrics.epsilon,
            values=dict(sorted(self._values.items())),
            tries=dict(sorted(self._tries.items())),
        )
        contents = {REPLAY: list(self._buffer), METRICS: self.metrics, Q_TABLE: table}
        return [write_file(data / name, to_json(content)) for name, content in contents.items()]

    def _load_rest(self, data: Path) -> None:
        for name in (METRICS, REPLAY):
            if not (data / name).exists():
                raise Malformed(f"{data / name}: expected it beside {Q_TABLE}, found none")
        self.metrics = read_json(data / METRICS, AgentMetrics)
        self._buffer.extend(read_json(data / REPLAY, list[Experience]))

    def _learn(self, one: Experience) -> None:
        count = self.actions.count
        values = self._values.setdefault(one.state, [0.0] * count)
        tries = self._tries.setdefault(one.state, [0] * count)
        tries[one.action] += 1
        ahead = 0.0
        if one.next_state is not None and self.settings.discount:
            ahead = self.settings.discount * self.expected(one.next_state, self.best(one.next_state))
        rate = max(self.settings.learning_rate, 1 / tries[one.action])
        values[one.action] += rate * (one.reward + ahead - values[one.action])


def _read_table(path: Path) -> QTable | None:
    if not path.exists():
        return None
    table = read_json(path, QTable)
    lengths = {len(row) for rows in (table.values, table.tries) for row in rows.values()}
    if lengths - {table.actions.count} or table.values.keys() != table.tries.keys():
        raise Malformed(
            f"{path}: expected {table.actions.count} values and tries of each state, found others"
        )
    return table


def state_of(chain: str, gas: Sequence[float], volatility: Sequence[float]) -> str:
    """Return a state's name, such as `ethereum_medium_normal`: where the last value of each lies among all.

    Gas is low, medium or high by thirds; volatility is low, normal or high likewise.
    """
    return f"{chain}_{_third(gas, ('low', 'medium', 'high'))}_{_third(volatility, ('low', 'normal', 'high'))}"


def _third(values: Sequence[float], words: tuple[str, str, str]) -> str:
    share = sum(value < values[-1] for value in values) / len(values)
    return words[min(int(share * 3), 2)]
