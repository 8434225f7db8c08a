"""Logs of conditional-token exchanges made up for tests, encoded by an independent ABI library."""

import json
from collections.abc import Sequence

from eth_abi.abi import encode

from tidemill._rust import Head, Logs, keccak256, parse_logs

EXCHANGE = b"\xe1" * 20
TAKER, MAKER, OTHER = b"\x0a" * 20, b"\x0b" * 20, b"\x0c" * 20
TOKEN = 71_321_045_679_252_212_594_626_385_532_706_912_750_332_728_571_942_532_289_631_379_312_455_583_992_563
UNIT = 1_000_000

Emitted = tuple[bytes, list[bytes], bytes]
"""Address, topics and data of a log."""

FILLED_V1 = "OrderFilled(bytes32,address,address,uint256,uint256,uint256,uint256,uint256)"
FILLED_V2 = "OrderFilled(bytes32,address,address,uint8,uint256,uint256,uint256,uint256,bytes32,bytes32)"
MATCHED_V1 = "OrdersMatched(bytes32,address,uint256,uint256,uint256,uint256)"
TRANSFER = "Transfer(address,address,uint256)"


def topics(signature: str, *indexed: bytes) -> list[bytes]:
    return [keccak256(signature.encode()), *(one.rjust(32, b"\0") for one in indexed)]


def filled_v1(
    wallet: bytes, counterparty: bytes, *, gives: tuple[int, int], gets: tuple[int, int], fee: int = 0
) -> Emitted:
    """Return the fill of an order; what it gives and gets are pairs of asset and amount."""
    order = keccak256(wallet)
    data = encode(["uint256"] * 5, [gives[0], gets[0], gives[1], gets[1], fee])
    return EXCHANGE, topics(FILLED_V1, order, wallet, counterparty), data


def filled_v2(
    wallet: bytes,
    counterparty: bytes,
    *,
    is_buy: bool,
    size: int,
    amount: int,
    token: int = TOKEN,
    order: bytes | None = None,
    fee: int = 0,
) -> Emitted:
    """Return the fill of an order; size and amount are in millionths."""
    gives, gets = (amount, size) if is_buy else (size, amount)
    types = ["uint8", "uint256", "uint256", "uint256", "uint256", "bytes32", "bytes32"]
    data = encode(types, [0 if is_buy else 1, token, gives, gets, fee, bytes(32), bytes(32)])
    return EXCHANGE, topics(FILLED_V2, order or keccak256(wallet), wallet, counterparty), data


def matched_v1(wallet: bytes) -> Emitted:
    return EXCHANGE, topics(MATCHED_V1, keccak256(wallet), wallet), encode(["uint256"] * 4, [0, TOKEN, 1, 1])


def transferred(token: bytes, sender: bytes, recipient: bytes, amount: int) -> Emitted:
    return token, topics(TRANSFER, sender, recipient), encode(["uint256"], [amount])


def head(number: int, branch: int = 0, timestamp_s: int | None = None) -> Head:
    return Head(
        number=number,
        hash=bytes([branch]) + number.to_bytes(31, "big"),
        parent_hash=bytes([branch if number > 1 else 0]) + (number - 1).to_bytes(31, "big"),
        timestamp_s=1_700_000_000 + 2 * number if timestamp_s is None else timestamp_s,
        gas_used=1,
        gas_limit=2,
    )


def logs_of(block: Head, emissions: Sequence[tuple[bytes, Emitted]]) -> Logs:
    """Return the logs of a block, each with the hash of its transaction."""
    spelled = [
        {
            "address": "0x" + address.hex(),
            "topics": ["0x" + one.hex() for one in told],
            "data": "0x" + data.hex(),
            "blockNumber": hex(block.number),
            "blockHash": "0x" + block.hash.hex(),
            "transactionHash": "0x" + tx_hash.hex(),
            "transactionIndex": hex(index),
            "logIndex": hex(index),
        }
        for index, (tx_hash, (address, told, data)) in enumerate(emissions)
    ]
    return parse_logs(json.dumps(spelled).encode())
