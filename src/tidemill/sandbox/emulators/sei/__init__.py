"""A node of a network like Sei, with a contract that keeps limit orders, makers and takers."""
