"""Read venues that are not chains: one file a venue, found by its `VENUE`."""
