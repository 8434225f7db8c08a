"""The decision loop: which opportunity is traded, and why."""
