"""One file a way to carry a trade out: on paper, by the public mempool, by a private relay."""
