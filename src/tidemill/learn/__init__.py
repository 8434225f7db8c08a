"""Learn from what was recorded: forecasts of gas, choices of parameters, and how good either is."""

from tidemill.learn.datasets.preparation import DataPreparation
from tidemill.learn.gas.forecaster import MarketForecaster
from tidemill.learn.parameters.q_learning import QLearningAgent
from tidemill.learn.parameters.thompson import ThompsonAgent

__all__ = ["DataPreparation", "MarketForecaster", "QLearningAgent", "ThompsonAgent"]
