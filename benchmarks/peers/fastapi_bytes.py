"""Answer the bytes of a file with FastAPI on uvicorn: run by its own interpreter with port and file."""

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Response

CONTENT = Path(sys.argv[2]).read_bytes()
app = FastAPI()


@app.get("/events/swap")
async def transactions(limit: int = 100) -> Response:
    """Answer the same, whatever the limit."""
    return Response(CONTENT, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
