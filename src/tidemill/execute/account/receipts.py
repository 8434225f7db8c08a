"""What became of a transaction that was sent: followed over reorgs until so many blocks lie on it."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from tidemill._rust import keccak256
from tidemill.execute.plan.route import Address
from tidemill.schema.faults import Malformed

_EXECUTED = "0x" + keccak256(b"Executed(address,uint256,uint256,uint256)").hex()
_TRANSFER = "0x" + keccak256(b"Transfer(address,address,uint256)").hex()
_TAKEN_BLOCKS_MIN = 2
"""Nodes behind one address need not agree: a nonce counts as taken by others when later blocks say so too."""


class Receipt(Struct, frozen=True, kw_only=True):
    """What a node says of an included transaction."""

    digest: bytes
    block_number: int
    block_hash: bytes
    is_success: bool
    gas_used: int
    effective_price_wei: int
    data_fee_wei: int
    """What a second layer took besides gas."""
    logs: tuple[Mapping[str, Any], ...]

    @property
    def fee_wei(self) -> int:
        """All that was paid."""
        return self.gas_used * self.effective_price_wei + self.data_fee_wei


class Watched(Struct, frozen=True, kw_only=True):
    """One nonce, and all that we signed for it."""

    nonce: int
    digests: tuple[bytes, ...]
    """The transaction's first, then those of what was to replace it."""
    included: Receipt | None = None
    taken_since: int | None = None
    """The newest block when the nonce was first seen used without a receipt of ours."""
    is_over: bool = False


class Look(Struct, frozen=True, kw_only=True):
    """What a node said, of one moment."""

    head_number: int
    nonce_count: int
    """How many of the account's transactions are included."""
    receipts: tuple[Receipt, ...]
    """Of the digests watched, those that have one."""
    known: frozenset[bytes]
    """Of the digests watched, those that the node has, waiting or included."""


class Included(Struct, frozen=True):
    """A block has it."""

    receipt: Receipt


class Reorged(Struct, frozen=True):
    """The block that had it is no longer canonical; it is watched as if just sent."""

    receipt: Receipt
    """Of the block that had it."""


class Final(Struct, frozen=True):
    """So many blocks lie on it that it is taken for settled."""

    receipt: Receipt


class TakenByOthers(Struct, frozen=True):
    """A transaction that we did not sign has its nonce."""


class Missing(Struct, frozen=True):
    """The node does not have it and its nonce is free: to be sent once more, as it is."""


Change = Included | Reorged | Final | TakenByOthers | Missing


def step(watched: Watched, look: Look, final_blocks: int) -> tuple[Watched, list[Change]]:
    """Return the next state and what changed, in order."""
    receipt = next((one for one in look.receipts if one.digest in watched.digests), None)
    before = watched.included
    if before is not None and look.head_number < before.block_number:
        return watched, []  # a node that is behind says nothing of that block
    changes: list[Change] = []
    if before is not None and (receipt is None or receipt.block_hash != before.block_hash):
        changes.append(Reorged(before))
        before = None
    if receipt is not None:
        if before is None:
            changes.append(Included(receipt))
        is_final = look.head_number - receipt.block_number + 1 >= final_blocks
        if is_final:
            changes.append(Final(receipt))
        return structs.replace(watched, included=receipt, taken_since=None, is_over=is_final), changes
    if look.nonce_count > watched.nonce:
        since = look.head_number if watched.taken_since is None else watched.taken_since
        is_taken = look.head_number - since + 1 >= max(final_blocks, _TAKEN_BLOCKS_MIN)
        if is_taken:
            changes.append(TakenByOthers())
        return structs.replace(watched, included=None, taken_since=since, is_over=is_taken), changes
    if not look.known & set(watched.digests):
        changes.append(Missing())
    return structs.replace(watched, included=None, taken_since=None), changes


def read_receipt(found: Mapping[str, Any], where: str) -> Receipt:
    """Return what an answer to `eth_getTransactionReceipt` says. Raises: Malformed."""
    try:
        return Receipt(
            digest=bytes.fromhex(found["transactionHash"][2:]),
            block_number=int(found["blockNumber"], 16),
            block_hash=bytes.fromhex(found["blockHash"][2:]),
            is_success=int(found["status"], 16) == 1,
            gas_used=int(found["gasUsed"], 16),
            effective_price_wei=int(found["effectiveGasPrice"], 16),
            data_fee_wei=int(found.get("l1Fee") or "0x0", 16) + _operator_fee_wei(found),
            logs=tuple(found["logs"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(f"{where}: expected a receipt, found one without {error}") from error


def _operator_fee_wei(found: Mapping[str, Any]) -> int:
    """Return an OP-stack chain's third fee. Source: Isthmus' and Jovian's specifications of operator fees."""
    scalar, constant = (int(found.get(f"operatorFee{part}") or "0x0", 16) for part in ("Scalar", "Constant"))
    gas = int(found["gasUsed"], 16) * scalar
    is_jovian = found.get("daFootprintGasScalar") is not None
    return (gas * 100 if is_jovian else gas // 1_000_000) + constant


def profit_of(receipt: Receipt, executor: Address, token: Address, owner: Address) -> int | None:
    """Return what the owner gained: what the token's own logs say; the executor's, of a token that logs none.

    None where it failed.

    Raises: Malformed where the executor logged nothing, or several things.
    """
    if not receipt.is_success:
        return None
    told = [_amount(log["data"], 1) for log in receipt.logs if _is_told(log, executor, token)]
    if len(told) != 1:
        raise Malformed(f"receipt 0x{receipt.digest.hex()}: expected one log of a trade, found {len(told)}")
    moved: list[int] = []
    for log in receipt.logs:
        topics = log["topics"]
        if _address(log["address"]) == token and len(topics) == 3 and topics[0] == _TRANSFER:
            giver, taker = (_address(topic[-40:]) for topic in topics[1:])
            if owner in (giver, taker):
                moved.append(_amount(log["data"], 0) * ((taker == owner) - (giver == owner)))
    return sum(moved) if moved else told[0]


def _is_told(log: Mapping[str, Any], executor: Address, token: Address) -> bool:
    topics = log["topics"]
    return (
        _address(log["address"]) == executor
        and len(topics) == 2
        and topics[0] == _EXECUTED
        and _address(topics[1][-40:]) == token
    )


def _address(text: str) -> Address:
    return bytes.fromhex(text.removeprefix("0x"))


def _amount(data: str, place: int) -> int:
    words = bytes.fromhex(data.removeprefix("0x"))
    return int.from_bytes(words[32 * place : 32 * place + 32])
