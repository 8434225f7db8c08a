"""Blocks looked at once more: what their transactions were, live and on demand."""
