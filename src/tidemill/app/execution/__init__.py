"""The execution server, put together: its commands, routes, ledgers and kill switch."""
