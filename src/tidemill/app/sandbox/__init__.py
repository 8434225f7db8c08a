"""The sandbox and the demo: a local world, and what is seen of it."""
