"""Venues of the sandbox that are no chain: real servers that speak as they do."""
