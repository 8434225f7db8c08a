"""Learn from what was recorded: forecasts of gas, choices of parameters, and how good either is."""

from tidemill.learn.forecaster import MarketForecaster
from tidemill.learn.preparation import DataPreparation
from tidemill.learn.q_learning import QLearningAgent
from tidemill.learn.thompson import ThompsonAgent

__all__ = ["DataPreparation", "MarketForecaster", "QLearningAgent", "ThompsonAgent"]
