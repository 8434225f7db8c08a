"""Chains: one folder a kind of chain; blocks, logs and reorgs become events."""
