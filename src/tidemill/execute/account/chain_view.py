"""What does a node say of the newest block, of an account, and of transactions that are looked for?"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tidemill.chains.evm.base_fee import next_base_fee_wei
from tidemill.core.clock import NS_PER_S
from tidemill.core.http import HttpEndpoint
from tidemill.execute.account.fees import tip_of
from tidemill.execute.account.receipts import Look, read_receipt
from tidemill.execute.plan.route import Address
from tidemill.execute.simulation.node import Question, Said, ask, ask_each
from tidemill.schema.faults import Malformed

_TIP_BLOCKS = 8
"""Whose tips are looked at: few enough to follow a rush, enough to have transactions."""


class View(Struct, frozen=True, kw_only=True):
    """Where a chain and an account on it are."""

    head_number: int
    head_ns: int
    """The newest block's own time."""
    base_fee_wei: int
    gas_used: int
    gas_limit: int
    tip_wei: int | None
    """What blocks' transactions paid of late; None where the node tells nothing."""
    balance_wei: int
    nonce_count: int

    @property
    def next_base_fee_wei(self) -> int:
        """The next block's, by EIP-1559."""
        return next_base_fee_wei(self.base_fee_wei, self.gas_used, self.gas_limit)


async def look(
    http: HttpEndpoint, account: Address, digests: Sequence[bytes], tip_percentile: float
) -> tuple[View, Look]:
    """Ask all at once; the answers may still be of two blocks, and of two nodes.

    Raises: Unreachable, Refused, Gap, Malformed.
    """
    who = "0x" + account.hex()
    questions: list[Question] = [
        ("eth_getBlockByNumber", ["latest", False]),
        ("eth_getTransactionCount", [who, "latest"]),
        ("eth_getBalance", [who, "latest"]),
    ]
    optional: list[Question] = [
        ("eth_feeHistory", [hex(_TIP_BLOCKS), "latest", [tip_percentile]]),
        ("eth_maxPriorityFeePerGas", []),
    ]
    for digest in digests:
        spelled = ["0x" + digest.hex()]
        questions += [("eth_getTransactionReceipt", spelled), ("eth_getTransactionByHash", spelled)]
    answers = await ask_each(http, [*optional, *questions])
    needed = await _all_answered(http, questions, answers[len(optional) :])
    return _read(http.endpoint, needed, _tip(answers[0], answers[1]), digests)


async def pending_count(http: HttpEndpoint, account: Address) -> int:
    """Return how many of an account's transactions are included or wait in the node's pool.

    Raises: Unreachable, Refused, Gap, Malformed.
    """
    [found] = await ask(http, [("eth_getTransactionCount", ["0x" + account.hex(), "pending"])])
    return _number(found, http.endpoint)


async def _all_answered(
    http: HttpEndpoint, questions: Sequence[Question], answers: Sequence[Any]
) -> Sequence[Any]:
    """Return `answers` where none is an error; else ask once more, which raises what it means."""
    return answers if not any(isinstance(one, Said) for one in answers) else await ask(http, questions)


def _read(
    endpoint: str, needed: Sequence[Any], tip_wei: int | None, digests: Sequence[bytes]
) -> tuple[View, Look]:
    block, count, balance, *found = needed
    try:
        number = int(block["number"], 16)
        view = View(
            head_number=number,
            head_ns=int(block["timestamp"], 16) * NS_PER_S,
            base_fee_wei=int(block["baseFeePerGas"], 16),
            gas_used=int(block["gasUsed"], 16),
            gas_limit=int(block["gasLimit"], 16),
            tip_wei=tip_wei,
            balance_wei=_number(balance, endpoint),
            nonce_count=_number(count, endpoint),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(f"{endpoint}: expected a block with a base fee, found none: {error}") from error
    seen = Look(
        head_number=number,
        nonce_count=view.nonce_count,
        receipts=tuple(read_receipt(one, endpoint) for one in found[::2] if one is not None),
        known=frozenset(digest for digest, one in zip(digests, found[1::2], strict=True) if one is not None),
    )
    return view, seen


def _tip(history: Any, suggested: Any) -> int | None:
    """Return what to offer; a node that has neither method, or answers null, tells nothing."""
    try:
        said = None if isinstance(suggested, Said) or suggested is None else int(suggested, 16)
        rows = None if isinstance(history, Said) or history is None else history.get("reward")
        rewards = rows and [row and [None if one is None else int(one, 16) for one in row] for row in rows]
        return tip_of(rewards, said)
    except (TypeError, ValueError, AttributeError):
        return None


def _number(found: Any, endpoint: str) -> int:
    try:
        return int(found, 16)
    except (TypeError, ValueError) as error:
        raise Malformed(f"{endpoint}: expected a number, found {found!r:.60}") from error
