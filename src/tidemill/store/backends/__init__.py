"""Hold one file for each store backend, named after the scheme of its URL."""
