"""Events in, events out: no sockets, no database."""
