"""Learn from what was recorded: forecasts of gas, choices of parameters, and how good either is."""
