"""Features of arbitrage transactions: declared formulas as one plan, and the book of their windows."""
