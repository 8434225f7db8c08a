"""Signals to send: the source document's own, and what is made of it."""

from typing import Any

USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
UNISWAP_ROUTER = "0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D"


def one_hop() -> dict[str, Any]:
    """Return the body of the document's first test: one hop that gives the token it takes."""
    return {
        "chainId": 1,
        "token": USDC,
        "amount": "1000000000",
        "flashSource": 1,
        "protocols": [0],
        "routers": [UNISWAP_ROUTER],
        "path": [USDC],
        "extras": ["0x"],
        "expected_profit": 50.0,
    }


def two_hops(**changes: Any) -> dict[str, Any]:
    """Return a body of two hops, with fields changed."""
    body = one_hop() | {
        "protocols": [0, 1],
        "routers": [UNISWAP_ROUTER, UNISWAP_ROUTER],
        "path": [WETH, USDC],
        "extras": ["0x", "0x" + (500).to_bytes(32).hex()],
    }
    return body | changes
