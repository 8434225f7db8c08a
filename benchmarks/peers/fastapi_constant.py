"""Answer a constant with FastAPI on uvicorn: run by its own interpreter with the port to listen at.

The answer is what the pool server tells of a pool; nothing is looked up, parsed or counted.
"""

import sys

import uvicorn
from fastapi import FastAPI, Response

ANSWER = (
    b'{"pool_address":"0xf00a7e2595b02b6e2b4377184ac6dd9ae3b1969e","reserves":{"reserve0":"6666666666666666666666",'
    b'"reserve1":"20000000000000","token0":"0x5FbDB2315678afecb367f032d93F642f64180aa3",'
    b'"token1":"0xB7f8BC63BbcaD18155201308C8f3540b07f84F5e"},"error":null}'
)
app = FastAPI()


@app.post("/api/pool")
async def pool() -> Response:
    """Answer the constant."""
    return Response(ANSWER, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
