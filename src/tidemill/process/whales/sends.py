"""Which shares went from wallet to wallet, and which No shares became Yes shares of the other questions.

Source: EIP-1155; Polymarket/neg-risk-ctf-adapter, NegRiskAdapter.convertPositions: shares of No of each of k
questions become as many of Yes of every other question, and k - 1 times as much collateral, both less the
market's fee. Its event names no tokens: the transfers before it, in the same transaction, do.
"""

from decimal import Decimal
from typing import Any, NamedTuple

from tidemill._rust import keccak256
from tidemill.process.whales.share_words import Words, shares

_NOBODY = bytes(20)
_SINGLE = keccak256(b"TransferSingle(address,address,address,uint256,uint256)")
_BATCH = keccak256(b"TransferBatch(address,address,address,uint256[],uint256[])")
SEND_TOPICS = (_SINGLE, _BATCH)
CONVERSION = keccak256(b"PositionsConverted(address,bytes32,uint256,uint256)")

Sizes = tuple[tuple[str, Decimal], ...]
"""Tokens, and how many shares of each."""


class Sent(NamedTuple):
    """Shares went from one wallet to another, for what is not told."""

    log_index: int
    tx_hash: bytes
    sender: bytes
    receiver: bytes
    sizes: Sizes


class Converted(NamedTuple):
    """A wallet gave No shares for Yes shares of other questions, and collateral."""

    log_index: int
    wallet: bytes
    given: Sizes
    got: Sizes
    paid: Decimal | None
    """Collateral; None where it cannot be told: where no Yes share says what the fee left."""


class Sends:
    """The transfers of one block, in its order."""

    def __init__(self, conduits: frozenset[bytes]) -> None:
        """Make one; `conduits` move shares of others, and say themselves whose."""
        self._conduits = conduits | {_NOBODY}
        self._sent: list[Sent] = []

    def add(self, row: dict[str, Any]) -> None:
        """Take a transfer's log. Raises: IndexError, ValueError, where it is none."""
        topic, _, sender, receiver = row["topics"]
        words = Words(row["data"])
        if topic == _SINGLE:
            tokens, counts = [words.number(0)], [words.number(1)]
        else:
            tokens, counts = words.numbers(0), words.numbers(1)
        sizes = tuple((str(token), shares(count)) for token, count in zip(tokens, counts, strict=True))
        self._sent.append(Sent(row["log_index"], row["tx_hash"], sender[12:], receiver[12:], sizes))

    def convert(self, row: dict[str, Any]) -> Converted:
        """Take an adapter's log, and the transfers that it tells of. Raises: IndexError, ValueError."""
        _, who, _, index_set = row["topics"]
        wallet, size = who[12:], Words(row["data"]).amount(0)
        count = int.from_bytes(index_set, "big").bit_count()
        own = [one for one in self._sent if one.tx_hash == row["tx_hash"]]
        given = next(one for one in reversed(own) if one.sender == wallet)
        got = [one for one in own if one.receiver == wallet and one.log_index > given.log_index]
        if [told for _, told in given.sizes] != [size] * count or len(got) > 1:
            raise ValueError
        taken = {given.log_index, *(one.log_index for one in got)}
        self._sent = [one for one in self._sent if one.log_index not in taken]
        yes = got[0].sizes if got else ()
        paid = (count - 1) * yes[0][1] if yes else None if count > 1 else Decimal(0)
        return Converted(row["log_index"], wallet, given.sizes, yes, paid)

    def rest(self) -> list[Sent]:
        """Return what went from wallet to wallet."""
        return [one for one in self._sent if self._conduits.isdisjoint((one.sender, one.receiver))]
