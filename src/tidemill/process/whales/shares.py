"""Which logs split, merge, redeem, convert or send shares of outcomes, and whose positions that changes.

Source: gnosis/conditional-tokens-contracts, ConditionalTokens.sol; Polymarket/neg-risk-ctf-adapter,
NegRiskAdapter.sol. The adapter's events name no collateral: that of the contract it asked does, in the same
transaction.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

from tidemill._rust import Logs, keccak256
from tidemill.process.whales.position_id import position_id
from tidemill.process.whales.sends import CONVERSION, SEND_TOPICS, Converted, Sends, Sent
from tidemill.process.whales.share_words import Words, shares
from tidemill.schema.events import Side
from tidemill.schema.faults import Malformed

_NO_PARENT = bytes(32)
_BINARY = (1, 2)
"""The index sets of Yes and No."""


def _topic(event: str) -> bytes:
    return keccak256(event.encode("ascii"))


_SPLIT = _topic("PositionSplit(address,address,bytes32,bytes32,uint256[],uint256)")
_MERGE = _topic("PositionsMerge(address,address,bytes32,bytes32,uint256[],uint256)")
_REDEMPTION = _topic("PayoutRedemption(address,address,bytes32,bytes32,uint256[],uint256)")
_ADAPTER_SPLIT = _topic("PositionSplit(address,bytes32,uint256)")
_ADAPTER_MERGE = _topic("PositionsMerge(address,bytes32,uint256)")
_ADAPTER_REDEMPTION = _topic("PayoutRedemption(address,bytes32,uint256[],uint256)")
SHARE_TOPICS = (
    *(_SPLIT, _MERGE, _REDEMPTION, *SEND_TOPICS),
    *(_ADAPTER_SPLIT, _ADAPTER_MERGE, _ADAPTER_REDEMPTION, CONVERSION),
)


class Exchanged(NamedTuple):
    """A wallet gave collateral for a share of each outcome, or gave these back for it."""

    log_index: int
    wallet: bytes
    market: str
    side: Side
    tokens: tuple[str, ...]
    size: Decimal
    """Of each token; so much collateral went the other way."""


class Redeemed(NamedTuple):
    """A wallet gave shares of a settled condition for what they are worth."""

    log_index: int
    wallet: bytes
    market: str
    tokens: tuple[str, ...]
    sizes: tuple[Decimal, ...] | None
    """Of each token; None: all that it held."""
    payout: Decimal


ShareMove = Exchanged | Redeemed | Converted | Sent


class ShareLogs(NamedTuple):
    """The contracts of one chain that say so."""

    conditional_tokens: frozenset[bytes] = frozenset()
    adapters: frozenset[bytes] = frozenset()

    def read(self, block: Logs) -> tuple[list[ShareMove], list[Malformed]]:
        """Return what a block's logs say, in order, and what of it cannot be read."""
        moves: list[ShareMove] = []
        faults: list[Malformed] = []
        if not self.conditional_tokens:
            return moves, faults
        found = block.matching(set(SHARE_TOPICS), set(self.conditional_tokens | self.adapters))
        collaterals: dict[tuple[bytes, bytes], bytes] = {}
        sends = Sends(self.conditional_tokens | self.adapters)
        for row in _rows(found.to_arrow()):
            try:
                if row["topics"][0] in SEND_TOPICS:
                    if row["address"] in self.conditional_tokens:
                        sends.add(row)
                elif row["topics"][0] == CONVERSION:
                    moves.append(sends.convert(row))
                elif row["address"] in self.conditional_tokens:
                    moves += self._told(row, collaterals)
                else:
                    moves += _adapted(row, collaterals)
            except (IndexError, ValueError, StopIteration):
                where = f"block {row['block_number']}, log {row['log_index']}"
                faults.append(Malformed(f"{where}: expected what is done to shares, found other words"))
        return [*moves, *sends.rest()], faults

    def _told(
        self, row: dict[str, Any], collaterals: dict[tuple[bytes, bytes], bytes]
    ) -> Iterator[ShareMove]:
        """Read a log of conditional tokens; of a condition with a parent nothing is followed."""
        topic, who, *_ = row["topics"]
        wallet, words = who[12:], Words(row["data"])
        if topic == _REDEMPTION:
            collateral, parent, condition = row["topics"][2][12:], row["topics"][3], words.raw(0)
        else:
            collateral, parent, condition = words.raw(0)[12:], row["topics"][2], row["topics"][3]
        if parent != _NO_PARENT:
            return
        if wallet in self.adapters:
            collaterals[row["tx_hash"], condition] = collateral
            return
        tokens = tuple(str(position_id(collateral, condition, index)) for index in words.numbers(1))
        market, amount = _market(condition), words.amount(2)
        if topic == _REDEMPTION:
            yield Redeemed(row["log_index"], wallet, market, tokens, None, amount)
        else:
            side = Side.BUY if topic == _SPLIT else Side.SELL
            yield Exchanged(row["log_index"], wallet, market, side, tokens, amount)


def _adapted(row: dict[str, Any], collaterals: dict[tuple[bytes, bytes], bytes]) -> Iterator[ShareMove]:
    """Read a log of an adapter."""
    topic, who, condition = row["topics"]
    collateral = collaterals.get((row["tx_hash"], condition))
    if collateral is None:
        raise ValueError
    words, market = Words(row["data"]), _market(condition)
    tokens = tuple(str(position_id(collateral, condition, index)) for index in _BINARY)
    if topic == _ADAPTER_REDEMPTION:
        yes, no = (shares(size) for size in words.numbers(0))
        yield Redeemed(row["log_index"], who[12:], market, tokens, (yes, no), words.amount(1))
    else:
        side = Side.BUY if topic == _ADAPTER_SPLIT else Side.SELL
        yield Exchanged(row["log_index"], who[12:], market, side, tokens, words.amount(0))


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    return batch.select(["block_number", "tx_hash", "log_index", "address", "topics", "data"]).to_pylist()


def _market(condition: bytes) -> str:
    return f"0x{condition.hex()}"
