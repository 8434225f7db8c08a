"""A local Polymarket: books that are made and taken, wallets, and everything that the venue does wrong."""
