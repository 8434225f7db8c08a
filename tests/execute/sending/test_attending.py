"""What is due for a transaction that no block has, as a table."""

import pytest
from msgspec import structs

from tidemill.execute.account.outgoing import Outgoing, read, spelled
from tidemill.execute.account.transaction import Fees, Signed, Transaction
from tidemill.execute.sending.attending import Due, Standing, due
from tidemill.schema.events import Execution, ExecutionMode, ExecutionSource, ExecutionState

FEES = Fees(3, 1)
TRANSACTION = Transaction(chain_id=1, nonce=5, to=bytes(20), data=b"", gas_limit=21_000, fees=FEES)
TOLD = Execution(
    event_ns=1,
    recv_ns=1,
    source="sandbox",
    chain_id=1,
    execution_id=bytes(32),
    sequence=3,
    mode=ExecutionMode.LIVE,
    state=ExecutionState.SENT,
    signal_digest=bytes(32),
    token=bytes(20),
    amount=1,
    loan_source=ExecutionSource.MORPHO,
    route="",
)
ONE = Outgoing(
    transaction=TRANSACTION,
    signed=(Signed(b"raw", b"\x01" * 32, 5),),
    handed_block=100,
    last_block=110,
    fee_max_wei=10,
    execution_id=bytes(32),
    told=TOLD,
    is_out=True,
)
SIGNED = structs.replace(ONE, told=structs.replace(TOLD, state=ExecutionState.SIGNED), is_out=False)
CANCELLED = structs.replace(ONE, cancels_from=0)
GOOD = Standing(
    head_number=100, is_known=True, is_private=False, is_stopped=False, is_last=True, replace_after_blocks=3
)


@pytest.mark.parametrize(
    ("one", "change", "found"),
    [
        (ONE, {}, Due.WAIT),
        (ONE, {"is_known": False}, Due.HAND_OVER),
        (ONE, {"head_number": 103}, Due.REPLACE),
        (ONE, {"head_number": 110}, Due.CANCEL),
        (ONE, {"head_number": 110, "is_known": False}, Due.CANCEL),  # it may come back from another pool
        (ONE, {"is_stopped": True}, Due.CANCEL),
        (ONE, {"is_stopped": True, "is_known": False}, Due.CANCEL),
        (SIGNED, {"is_stopped": True, "is_known": False}, Due.DROP),
        (SIGNED, {"is_stopped": True, "is_known": False, "is_last": False}, Due.CANCEL),
        (ONE, {"is_private": True, "is_known": False}, Due.WAIT),
        (ONE, {"is_private": True, "is_known": False, "head_number": 101}, Due.HAND_OVER),
        (ONE, {"is_private": True, "is_known": False, "is_stopped": True, "head_number": 101}, Due.WAIT),
        (ONE, {"is_private": True, "is_known": False, "head_number": 110}, Due.DROP),
        (ONE, {"is_private": True, "is_known": False, "head_number": 110, "is_last": False}, Due.CANCEL),
        (CANCELLED, {"is_stopped": True}, Due.WAIT),
        (CANCELLED, {"is_known": False}, Due.HAND_OVER),
        (CANCELLED, {"head_number": 200}, Due.REPLACE),
        (CANCELLED, {"is_private": True, "is_known": False}, Due.HAND_OVER),
    ],
)
def test_the_most_pressing_is_due(one: Outgoing, change: dict[str, object], found: Due) -> None:
    assert due(one, structs.replace(GOOD, **change)) == found


def test_what_is_kept_is_what_is_read_after_a_crash() -> None:
    assert read(spelled(ONE)).with_told(TOLD) == ONE
    assert not ONE.cancels(ONE.newest.digest)
    cancelling = Signed(b"other", b"\x02" * 32, 5)
    cancelled = ONE.replaced_by(TRANSACTION, cancelling, 101, is_cancelling=True)
    again = cancelled.replaced_by(
        TRANSACTION, structs.replace(cancelling, digest=b"\x03" * 32), 102, is_cancelling=True
    )
    assert [again.cancels(one.digest) for one in again.signed] == [False, True, True]
    assert read(spelled(again)).watched.digests == (b"\x01" * 32, b"\x02" * 32, b"\x03" * 32)
