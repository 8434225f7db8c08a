"""Training: datasets, episodes on a sandbox, and the models that come of them."""
