"""Where signals come in: each key's once, in order on its chain."""
