"""Venues, read beside the chains, and who is called back with what they tell."""
