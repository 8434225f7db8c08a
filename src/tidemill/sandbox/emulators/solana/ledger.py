"""How recorded transactions become a ledger: blocks in slots, some of which were skipped."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_SLOT_S = 0.4


class LedgerOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the ledger is laid out."""

    first_slot: int = 1_000
    start_s: int = 1_700_000_000
    txs_per_block: int = 2
    skipped_every: int = 4
    """Of so many slots one is skipped."""


def make_ledger(txs: Iterable[Mapping[str, Any]], options: LedgerOptions) -> dict[int, dict[str, Any]]:
    """Return blocks as `getBlock` answers them, by slot: all transactions once, in their order."""
    waiting = list(txs)
    ledger: dict[int, dict[str, Any]] = {}
    slot, parent_slot, parent_hash = options.first_slot, options.first_slot - 1, _hash("genesis")
    while waiting:
        if slot % options.skipped_every:
            some, waiting = waiting[: options.txs_per_block], waiting[options.txs_per_block :]
            block_hash = _hash(f"{parent_hash} {slot}")
            ledger[slot] = {
                "blockhash": block_hash,
                "previousBlockhash": parent_hash,
                "parentSlot": parent_slot,
                "blockHeight": len(ledger),
                "blockTime": options.start_s + int((slot - options.first_slot) * _SLOT_S),
                "transactions": [
                    {name: tx[name] for name in ("transaction", "meta", "version") if name in tx}
                    for tx in some
                ],
            }
            parent_slot, parent_hash = slot, block_hash
        slot += 1
    return ledger


def _hash(text: str) -> str:
    """Return the digest of `text` in base 58."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    digits = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
