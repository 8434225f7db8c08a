"""The routes of the data API, a file a subject: each module's ROUTES are found by themselves."""
