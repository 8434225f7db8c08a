"""Wallets that matter: known, watched, followed, graded."""
