"""Peers, each in an environment of its own under .peers/, given the same work."""
