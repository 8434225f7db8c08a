"""A local world: a real chain, the venues' own contracts, and traders that move prices."""
