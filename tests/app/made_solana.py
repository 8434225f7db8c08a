"""Transactions of Solana made by hand, as `getTransaction` answers them."""

from typing import Any

WSOL = "So11111111111111111111111111111111111111112"
_TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
_RAYDIUM = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
_WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _DIGITS[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def address(byte: int) -> str:
    return base58(bytes([byte] * 32))


def circle(amount_in: int, amount_out: int, signature: str = "one") -> dict[str, Any]:
    """A payer swaps WSOL for a token in one pool and the token for WSOL in another."""
    keys = [address(byte) for byte in range(1, 9)] + [_TOKEN, _RAYDIUM, _WHIRLPOOL]
    held = {
        1: (WSOL, keys[0], 100_000, 100_000 - amount_in + amount_out),
        2: (MINT, keys[0], 0, 0),
        3: (WSOL, address(50), 0, amount_in),
        4: (MINT, address(50), 700, 0),
        5: (MINT, address(51), 0, 700),
        6: (WSOL, address(51), amount_out, 0),
    }

    def balances(side: int) -> list[dict[str, Any]]:
        return [
            {
                "accountIndex": at,
                "mint": mint,
                "owner": owner,
                "uiTokenAmount": {"amount": str(amounts[side])},
            }
            for at, (mint, owner, *amounts) in held.items()
        ]

    def transfer(source: int, target: int, amount: int) -> dict[str, Any]:
        data = base58(bytes([3]) + amount.to_bytes(8, "little"))
        return {"programIdIndex": 8, "accounts": [source, target, 0], "data": data, "stackHeight": 2}

    swap = {"accounts": [1, 2, 3, 4], "data": "A"}
    return {
        "slot": 7,
        "transaction": {
            "signatures": [signature],
            "message": {
                "accountKeys": keys,
                "instructions": [{"programIdIndex": 9, **swap}, {"programIdIndex": 10, **swap}],
            },
        },
        "meta": {
            "err": None,
            "fee": 5_100,
            "preBalances": [10_000] * len(keys),
            "postBalances": [4_900] + [10_000] * (len(keys) - 1),
            "preTokenBalances": balances(0),
            "postTokenBalances": balances(1),
            "innerInstructions": [
                {"index": 0, "instructions": [transfer(1, 3, amount_in), transfer(4, 2, 700)]},
                {"index": 1, "instructions": [transfer(2, 5, 700), transfer(6, 1, amount_out)]},
            ],
        },
    }
