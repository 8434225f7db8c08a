"""Blocks and logs made up for tests: the events of pools, spelled as a node spells them."""

import json
from collections.abc import Sequence
from typing import Any

from tidemill._rust import Factory, Head, Logs, PoolSet, keccak256, parse_logs

V2_FACTORY = bytes(19) + b"\x02"
V3_FACTORY = bytes(19) + b"\x03"
PAIR = b"\xaa" * 20
POOL = b"\xbb" * 20
TOKEN0, TOKEN1 = b"\x01" * 20, b"\x02" * 20
OWNER = b"\x0c" * 20
PRICE_ONE = 2**96

Emitted = tuple[bytes, list[bytes], bytes]
"""Address, topics and data of a log."""


def word(value: int | bytes) -> bytes:
    """Return 32 bytes: an address padded, or a number in two's complement."""
    if isinstance(value, bytes):
        return value.rjust(32, b"\0")
    return (value % 2**256).to_bytes(32, "big")


def topic(signature: str) -> bytes:
    return keccak256(signature.encode())


def emitted(address: bytes, signature: str, indexed: Sequence[int | bytes], *data: int | bytes) -> Emitted:
    return address, [topic(signature), *map(word, indexed)], b"".join(map(word, data))


def pair_created() -> Emitted:
    return emitted(V2_FACTORY, "PairCreated(address,address,address,uint256)", [TOKEN0, TOKEN1], PAIR, 1)


def synced(reserve0: int, reserve1: int) -> Emitted:
    return emitted(PAIR, "Sync(uint112,uint112)", [], reserve0, reserve1)


def pair_swapped(amounts: tuple[int, int, int, int]) -> Emitted:
    return emitted(PAIR, "Swap(address,uint256,uint256,uint256,uint256,address)", [OWNER, OWNER], *amounts)


def pool_created(fee_ppm: int = 3000, tick_spacing: int = 60) -> Emitted:
    signature = "PoolCreated(address,address,uint24,int24,address)"
    return emitted(V3_FACTORY, signature, [TOKEN0, TOKEN1, fee_ppm], tick_spacing, POOL)


def initialized(sqrt_price_x96: int = PRICE_ONE, tick: int = 0) -> Emitted:
    return emitted(POOL, "Initialize(uint160,int24)", [], sqrt_price_x96, tick)


def minted(lower: int, upper: int, liquidity: int) -> Emitted:
    signature = "Mint(address,address,int24,int24,uint128,uint256,uint256)"
    return emitted(POOL, signature, [OWNER, lower, upper], OWNER, liquidity, 7, 8)


def burned(lower: int, upper: int, liquidity: int) -> Emitted:
    signature = "Burn(address,int24,int24,uint128,uint256,uint256)"
    return emitted(POOL, signature, [OWNER, lower, upper], liquidity, 7, 8)


def pool_swapped(amount0: int, amount1: int, sqrt_price_x96: int, liquidity: int, tick: int) -> Emitted:
    signature = "Swap(address,address,int256,int256,uint160,uint128,int24)"
    return emitted(POOL, signature, [OWNER, OWNER], amount0, amount1, sqrt_price_x96, liquidity, tick)


def head(number: int, branch: int = 0) -> Head:
    parent = bytes([branch if number > 1 else 0]) + (number - 1).to_bytes(31, "big")
    block_hash = bytes([branch]) + number.to_bytes(31, "big")
    return Head(
        number=number,
        hash=block_hash,
        parent_hash=parent,
        timestamp_s=1_700_000_000 + number,
        gas_used=1,
        gas_limit=2,
    )


def logs(*blocks: tuple[Head, Sequence[Emitted]]) -> Logs:
    spelled: list[dict[str, Any]] = []
    for block, emissions in blocks:
        for index, (address, topics, data) in enumerate(emissions):
            spelled.append(
                {
                    "address": "0x" + address.hex(),
                    "topics": ["0x" + one.hex() for one in topics],
                    "data": "0x" + data.hex(),
                    "blockNumber": hex(block.number),
                    "blockHash": "0x" + block.hash.hex(),
                    "transactionHash": "0x" + "dd" * 32,
                    "transactionIndex": "0x0",
                    "logIndex": hex(index),
                }
            )
    return parse_logs(json.dumps(spelled).encode())


def pool_set() -> PoolSet:
    factories = [
        Factory(V2_FACTORY, "uniswap_v2", "pancakeswap_v2", 9975, 10000),
        Factory(V3_FACTORY, "uniswap_v3", "uniswap_v3"),
    ]
    return PoolSet("made", 31337, factories)
