"""Ask an endpoint which chain it serves."""

import asyncio

import aiohttp

from tidemill.core.endpoint import redact_text, redact_url
from tidemill.schema.faults import Malformed, Unreachable

_TIMEOUT_S = 10.0
_REQUEST = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}


async def chain_id_of(url: str) -> int:
    """Return the chain id of the endpoint at `url`, http or ws.

    Raises: Unreachable, Malformed.
    """
    where = redact_url(url)
    try:
        async with asyncio.timeout(_TIMEOUT_S), aiohttp.ClientSession() as session:
            if url.startswith("ws"):
                async with session.ws_connect(url) as socket:
                    await socket.send_json(_REQUEST)
                    answer = await socket.receive_json()
            else:
                async with session.post(url, json=_REQUEST) as response:
                    answer = await response.json(content_type=None)
    except TimeoutError:
        raise Unreachable(f"{where}: no answer within {_TIMEOUT_S:g} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"{where}: {redact_text(str(error), url)}") from None
    except (TypeError, ValueError):
        raise Malformed(f"{where}: expected a JSON-RPC answer") from None
    try:
        return int(answer["result"], 16)
    except (KeyError, TypeError, ValueError):
        raise Malformed(f"{where}: expected a chain id, found {str(answer)[:200]}") from None
