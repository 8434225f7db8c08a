"""Ask an endpoint which chain it serves, and how far that is."""

import asyncio
import json

import aiohttp

from tidemill.core.endpoint import redact_text, redact_url
from tidemill.schema.faults import Malformed, Unreachable

_TIMEOUT_S = 10.0
_ANSWER_BYTES_MAX = 65_536


async def chain_id_of(url: str) -> int:
    """Return the chain id of the endpoint at `url`, http or ws.

    Raises: Unreachable, Malformed.
    """
    return await _number(url, "eth_chainId", "a chain id")


async def block_number_of(url: str) -> int:
    """Return the number of the newest block that the endpoint at `url`, http or ws, has.

    Raises: Unreachable, Malformed.
    """
    return await _number(url, "eth_blockNumber", "a block number")


async def _number(url: str, method: str, what: str) -> int:
    where = redact_url(url)
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": []}
    try:
        async with asyncio.timeout(_TIMEOUT_S), aiohttp.ClientSession() as session:
            if url.startswith("ws"):
                async with session.ws_connect(url) as socket:
                    await socket.send_json(request)
                    answer = await socket.receive_json()
            else:
                async with session.post(url, json=request, allow_redirects=False) as response:
                    if response.status != 200:
                        raise Unreachable(f"{where}: {_meaning(response.status)}")
                    answer = json.loads(await _start_of(response))
    except TimeoutError:
        raise Unreachable(f"{where}: no answer within {_TIMEOUT_S:g} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"{where}: {redact_text(str(error), url)}") from None
    except (TypeError, ValueError):
        raise Malformed(f"{where}: expected a JSON-RPC answer") from None
    try:
        return int(answer["result"], 16)
    except (KeyError, TypeError, ValueError):
        raise Malformed(f"{where}: expected {what}, found {str(answer)[:200]}") from None


def _meaning(status: int) -> str:
    """Return what an HTTP status says about the endpoint, and what to do."""
    if status in {401, 403}:
        return f"answered HTTP {status}: correct the key in the URL"
    if status == 429:
        return "answered HTTP 429: it is asked too often; wait, or use another endpoint"
    return f"answered HTTP {status}: correct the URL, or use another endpoint"


async def _start_of(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, or as much of it as a chain id could take."""
    body = b""
    while len(body) < _ANSWER_BYTES_MAX and (part := await response.content.read(_ANSWER_BYTES_MAX)):
        body += part
    return body
