"""HTTP/2: one connection of many requests at a time, beside uvicorn's HTTP/1.1."""
