"""Hold one file for each bus backend, named after the scheme of its URL."""
