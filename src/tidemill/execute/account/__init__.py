"""One account on one chain: its key, nonces, fees, and what became of its transactions."""
