"""Tell others what the running program knows: the data API and metrics, over HTTP."""
