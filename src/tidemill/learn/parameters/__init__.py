"""How is a trade sent: slippage and priority fee, learned from what came of trades."""
