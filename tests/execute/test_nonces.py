import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.chains.evm.answers import RpcError
from tidemill.execute.account.node_errors import Remedy, remedy_of
from tidemill.execute.account.nonces import AccountLease, Nonces, reconcile
from tidemill.schema.faults import Refused, Unsafe

ADDRESS = bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")


@given(
    ours=st.sets(st.integers(0, 12)), latest=st.integers(0, 12), waiting=st.integers(0, 5), lag=st.booleans()
)
def test_after_a_start_every_nonce_below_the_next_is_held_by_something(
    ours: set[int], latest: int, waiting: int, lag: bool
) -> None:
    pending = max(latest - 2, 0) if lag else latest + waiting
    found = reconcile(ours, latest, pending)
    pooled = max(latest, pending)
    for nonce in range(latest, found.next_nonce):
        held = [nonce < pooled, nonce in found.again, nonce in found.gaps]
        assert sum(held) == 1
    assert found.next_nonce >= pooled
    assert found.next_nonce not in ours
    assert set(found.again) <= ours


def test_transactions_of_others_are_counted() -> None:
    assert reconcile({5}, latest=5, pending=8).foreign_pending == 2


def test_nonces_are_handed_out_once_and_only_the_last_comes_back() -> None:
    nonces = Nonces(5)
    assert [nonces.take(), nonces.take()] == [5, 6]
    with pytest.raises(Unsafe, match="found 5"):
        nonces.give_back(5)
    nonces.give_back(6)
    assert nonces.take() == 6


_HOLD = """
import sys
from tidemill.execute.account.nonces import AccountLease
with AccountLease(1, bytes.fromhex(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_an_account_has_one_owner_on_a_chain_until_its_process_ends() -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", _HOLD, ADDRESS.hex()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdin is not None
    assert other.stdout is not None
    with other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Refused, match="on chain 1, another process"), AccountLease(1, ADDRESS):
            pass
        with AccountLease(2, ADDRESS):
            pass
        other.kill()
        other.wait()
    with AccountLease(1, ADDRESS):
        pass


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("already known", Remedy.WATCH),
        ("transaction already imported", Remedy.WATCH),
        ("AlreadyKnown", Remedy.WATCH),
        ("nonce too low", Remedy.LOOK_UP),
        ("nonce too low: next nonce 12, tx nonce 11", Remedy.LOOK_UP),
        ("OldNonce", Remedy.LOOK_UP),
        ("nonce too high", Remedy.FILL_GAP),
        ("replacement transaction underpriced", Remedy.OUTBID),
        ("transaction underpriced", Remedy.RAISE_FEES),
        ("max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1", Remedy.RAISE_FEES),
        ("transaction gas price below minimum: gas tip cap 1, minimum needed 25000000000", Remedy.RAISE_FEES),
        ("FeeTooLow, EffectivePriorityFeePerGas too low 1 < 2", Remedy.RAISE_FEES),
        ("insufficient funds for gas * price + value", Remedy.FUND),
        ("Insufficient funds for gas * price + value: balance 1", Remedy.FUND),
        ("intrinsic gas too low", Remedy.GIVE_UP),
        ("exceeds block gas limit", Remedy.GIVE_UP),
        ("invalid chain id for signer: have 1 want 31337", Remedy.GIVE_UP),
        ("max priority fee per gas higher than max fee per gas", Remedy.GIVE_UP),
        ("the method eth_sendRawTransaction does not exist", Remedy.GIVE_UP),
        ("too many requests, rate exceeded", Remedy.ASK_AGAIN),
        ("internal error", Remedy.UNCERTAIN),
    ],
)
def test_what_nodes_say_has_a_remedy(words: str, remedy: Remedy) -> None:
    assert remedy_of(RpcError(-32_000, words)) == remedy


@given(st.text())
def test_any_words_have_a_remedy(words: str) -> None:
    assert remedy_of(RpcError(-32_000, words)) in set(Remedy)
