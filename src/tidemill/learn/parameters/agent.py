"""What chooses a trade's parameters: which actions there are, and what every agent says and learns."""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypedDict

from msgspec import Struct

from tidemill.schema.faults import Refused


class ActionParams(TypedDict):
    """What a trade is made with."""

    slippage: float
    """Percent of what was quoted that may be lost."""
    priority_fee: float
    """Gwei for each unit of gas, on top of the base fee."""


DEFAULT: ActionParams = {"slippage": 0.5, "priority_fee": 2.5}
"""What is chosen where nothing was learned: the source document's own example."""


class Actions(Struct, frozen=True, forbid_unknown_fields=True):
    """Every slippage with every priority fee; an action is known by its index."""

    slippages: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0, 2.0)
    priority_fees: tuple[float, ...] = (1.0, 1.5, 2.5, 5.0, 10.0)

    @property
    def count(self) -> int:
        """Return how many there are."""
        return len(self.slippages) * len(self.priority_fees)

    def params(self, index: int) -> ActionParams:
        """Return an action's parameters."""
        slippage, fee = divmod(index, len(self.priority_fees))
        return {"slippage": self.slippages[slippage], "priority_fee": self.priority_fees[fee]}

    def index(self, params: ActionParams) -> int:
        """Return which action has these parameters. Raises: Refused, where none has."""
        try:
            slippage = self.slippages.index(params["slippage"])
            return slippage * len(self.priority_fees) + self.priority_fees.index(params["priority_fee"])
        except (ValueError, KeyError):
            raise Refused(
                f"action: expected slippage of {self.slippages} and priority_fee of {self.priority_fees}, "
                f"found {params}"
            ) from None

    @property
    def default(self) -> int:
        """Return the action nearest to DEFAULT."""
        slippage = _nearest(self.slippages, DEFAULT["slippage"])
        return slippage * len(self.priority_fees) + _nearest(self.priority_fees, DEFAULT["priority_fee"])


class Choice(NamedTuple):
    """A choice and how probable it was: what an evaluation off the policy needs."""

    action: int
    propensity: float


class Agent(Protocol):
    """Chooses parameters by state, and learns from what came of them."""

    def get_action(self, state: str) -> ActionParams:
        """Return what is thought best."""
        ...

    def choose(self, state: str) -> Choice:
        """Return a choice that may explore."""
        ...

    def best(self, state: str) -> int:
        """Return the action that is thought best."""
        ...

    def expected(self, state: str, action: int) -> float:
        """Return the reward that is expected of an action; 0 where nothing was learned of it."""
        ...

    def update(
        self,
        state: str,
        action: ActionParams,
        reward: float,
        success: bool | str | None = None,
        next_state: str | bool | None = None,
    ) -> None:
        """Learn from one outcome."""
        ...


def outcome_of(
    reward: float, success: bool | str | None, next_state: str | bool | None
) -> tuple[bool, str | None]:
    """Return success and next state, in whichever of the two orders they were given.

    Raises: Refused, where they are none, or the reward is no number.
    """
    if isinstance(success, str) or isinstance(next_state, bool):
        success, next_state = next_state, success
    if not isinstance(success, bool) or not (next_state is None or isinstance(next_state, str)):
        raise Refused(
            f"update: expected success (a bool) and next_state (text), found {success!r}, {next_state!r}"
        )
    if not math.isfinite(reward):
        raise Refused(f"reward: expected a number, found {reward}")
    return success, next_state


def _nearest(values: Sequence[float], wanted: float) -> int:
    return min(range(len(values)), key=lambda at: (abs(values[at] - wanted), at))
