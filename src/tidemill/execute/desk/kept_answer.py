"""How does the ledger keep what was answered to an idempotency key, and what does it say to a repeat?"""

from http import HTTPStatus
from typing import NamedTuple

import msgspec

from tidemill.execute.desk.answers import Answer
from tidemill.execute.trade import Received

_DIGEST_BYTES = 32


def kept_answer(received: Received, answer: Answer | None) -> bytes:
    """Return how the ledger keeps an answer to a key: what was asked for, the trade, status and body.

    Without an answer: that it is being carried out.
    """
    head = received.digest + received.execution_id
    return head if answer is None else head + msgspec.json.encode([answer.status, answer.body])


class Kept(NamedTuple):
    """What the ledger has of a key."""

    digest: bytes
    execution_id: bytes
    answer: Answer | None
    """None where the process ended before there was one."""


def kept_of(stored: bytes) -> Kept:
    """Return what `kept_answer` made the bytes of."""
    digest, execution_id = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES : 2 * _DIGEST_BYTES]
    rest = stored[2 * _DIGEST_BYTES :]
    if not rest:
        return Kept(digest, execution_id, None)
    status, body = msgspec.json.decode(rest, type=tuple[int, msgspec.Raw])
    return Kept(digest, execution_id, Answer(body, HTTPStatus(status)))
