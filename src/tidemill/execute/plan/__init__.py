"""What a trade is, as the executor contract reads it."""
