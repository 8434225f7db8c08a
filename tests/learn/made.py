"""Gas prices and outcomes of trades made for tests: what pays, and what comes next, is known."""

import random

import numpy as np

from tidemill.learn.gas.series import GasSeries, Told, series_of
from tidemill.learn.parameters.outcomes import Outcome

START_NS = 1_700_000_040_000_000_000
MINUTE_NS = 60_000_000_000


def returning(steps: int, seed: int = 0) -> GasSeries:
    """A price that returns halfway to 40 gwei at each step, and is thrown off it: a model can tell."""
    dice = np.random.default_rng(seed)
    logs = np.zeros(steps)
    for at in range(1, steps):
        logs[at] = logs[at - 1] / 2 + dice.normal(0, 0.1)
    return minutes(40 * np.exp(logs))


def wandering(steps: int, seed: int = 0) -> GasSeries:
    """A price of which nobody can tell where it goes."""
    dice = np.random.default_rng(seed)
    return minutes(40 * np.exp(np.cumsum(dice.normal(0, 0.02, steps))))


def minutes(gas_gwei: np.ndarray) -> GasSeries:
    times = START_NS + np.arange(len(gas_gwei), dtype=np.int64) * MINUTE_NS
    return series_of(Told(times, np.asarray(gas_gwei, float)))


def ledger(rows: int, *, gain: float, has_propensity: bool = True) -> list[Outcome]:
    """Trades whose slippage was tossed for: 1.0 earns `gain` more than 0.5. The dice are the test's world."""
    dice = random.Random(8)
    outcomes: list[Outcome] = []
    for at in range(rows):
        slippage = dice.choice((0.5, 1.0))
        reward = dice.gauss(5, 2) + (gain if slippage == 1.0 else 0)
        outcomes.append(
            Outcome(
                event_ns=at,
                state="ethereum_medium_normal",
                slippage=slippage,
                priority_fee=2.5,
                reward_usd=reward,
                success=reward > 0,
                propensity=0.5 if has_propensity else None,
            )
        )
    return outcomes
