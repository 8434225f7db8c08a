"""Who calls, what they may, how often and how much: everything that stands before a route."""
