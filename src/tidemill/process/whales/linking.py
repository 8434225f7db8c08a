"""Which wallets act as one: those that the registry says do, and those that one wallet funded."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.journal import Journal
from tidemill.process.whales.seen import Watched

_DEPTH_MAX = 4
"""How far back funders of funders are followed."""
_KEPT_MAX = 200_000
"""Wallets whose funder is kept; the one heard of longest ago makes room."""


class Funder(Struct, frozen=True, array_like=True):
    """Who first sent a wallet collateral."""

    funder: bytes
    token: bytes
    amount: Decimal
    tx_hash: bytes
    log_index: int


class Funded(Struct, frozen=True, array_like=True):
    """How many wallets somebody was the first to fund."""

    count: int


Transfer = tuple[bytes, tuple[int, bytes, bytes, bytes, int]]
"""Token; log index, transaction, sender, recipient and raw amount of a transfer."""
_COLLATERAL_DIGITS = 6


def fund(
    journal: Journal, transfers: Sequence[Transfer], conduits: frozenset[bytes], amount_min: Decimal
) -> list[tuple[bytes, Funder]]:
    """Keep who first funded each wallet, by `amount_min` or more; return the new ones with their funders."""
    found: list[tuple[bytes, Funder]] = []
    for token, (log_index, tx_hash, sender, recipient, raw) in transfers:
        if not raw or sender == recipient or sender in conduits or recipient in conduits:
            continue
        if journal.get(Funder, recipient) is not None:
            continue
        amount = Decimal(raw).scaleb(-_COLLATERAL_DIGITS)
        if amount < amount_min:
            continue
        funder = Funder(sender, token, amount, tx_hash, log_index)
        journal.put(recipient, funder)
        known = journal.get(Funded, sender)
        journal.put(sender, Funded(1 + (known.count if known else 0)))
        found.append((recipient, funder))
    _forget(journal)
    return found


def linked(
    journal: Journal, wallets: tuple[bytes, bytes], watched: Mapping[bytes, Watched], config: WhaleConfig
) -> dict[str, object] | None:
    """Return the evidence that two wallets act as one; None where there is none."""
    one, other = wallets
    if one == other:
        return {"link": "the same wallet"}
    names = [watched[wallet].cluster if wallet in watched else None for wallet in wallets]
    if names[0] is not None and names[0] == names[1]:
        return {"link": "the registry's cluster", "cluster_name": names[0]}
    shared = [
        wallet for wallet in _line(journal, one, config) if wallet in set(_line(journal, other, config))
    ]
    if not shared:
        return None
    return {"link": "funded by one wallet", "funder": f"0x{shared[0].hex()}"}


def _line(journal: Journal, wallet: bytes, config: WhaleConfig) -> list[bytes]:
    """Return a wallet, its funder, and so on, up to a hub."""
    line = [wallet]
    for _ in range(_DEPTH_MAX):
        known = journal.get(Funder, line[-1])
        if known is None or known.funder in line:
            break
        funded = journal.get(Funded, known.funder)
        if funded is not None and funded.count > config.hub_wallets_max:
            break
        line.append(known.funder)
    return line


def _forget(journal: Journal) -> None:
    for kind in (Funder, Funded):
        while journal.count(kind) > _KEPT_MAX:
            oldest = journal.oldest(kind)
            assert oldest is not None
            journal.drop(kind, oldest[0])
