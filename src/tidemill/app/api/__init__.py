"""The data API: served, protected, and asked from Python."""
