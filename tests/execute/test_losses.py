"""Is what trades cost for nothing counted by day, whatever the clock does?"""

from msgspec import structs
from tests.execute.test_receipts import OURS, _receipt

from tidemill.core.clock import NS_PER_S
from tidemill.execute.account.losses import Losses
from tidemill.execute.account.outgoing import Outgoing
from tidemill.execute.account.receipts import Included
from tidemill.execute.account.transaction import Fees, Signed, Transaction

MIDNIGHT_NS = 20_000 * 86_400 * NS_PER_S


def _failed(losses: Losses, now_ns: int) -> None:
    fees = Fees(max_fee_wei=1, max_tip_wei=1)
    transaction = Transaction(chain_id=1, nonce=5, to=bytes(20), data=b"", gas_limit=1, fees=fees)
    one = Outgoing(
        transaction=transaction,
        signed=(Signed(b"", OURS, 5),),
        handed_block=1,
        last_block=9,
        fee_max_wei=1,
        execution_id=None,
    )
    losses.count(one, [Included(structs.replace(_receipt(2), is_success=False))], now_ns)


def test_a_new_day_begins_with_no_losses() -> None:
    losses = Losses(1)
    _failed(losses, MIDNIGHT_NS - 1)
    assert losses.today_wei(MIDNIGHT_NS - 1) == 307
    assert losses.today_wei(MIDNIGHT_NS) == 0


def test_a_clock_that_goes_back_over_midnight_forgets_no_loss() -> None:
    losses = Losses(1)
    _failed(losses, MIDNIGHT_NS)
    assert losses.today_wei(MIDNIGHT_NS - 1) == 307
    assert losses.today_wei(MIDNIGHT_NS + 1) == 307
