"""How a trade is carried out: the executor contract's plans, and what a plan would do before it is sent."""
