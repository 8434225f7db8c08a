"""What do whales do: from trades with wallets, and who is watched, to orders, positions and alerts."""
