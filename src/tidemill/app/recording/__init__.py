"""Recordings: kept, replayed, summed up."""
