import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from eth_account import Account
from tests.execute.signing_server import serve_answers

from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.execute.account.signer import KeySigner, RemoteSigner
from tidemill.execute.account.transaction import Fees, Transaction, cancelling
from tidemill.execute.account.wallet import open_wallet
from tidemill.execute.desk.answers import NO_WALLET
from tidemill.execute.live.live_config import WalletConfig
from tidemill.schema.faults import Fault, Malformed, Refused, Unsafe

KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ADDRESS = bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")
ASKED = Transaction(
    chain_id=31_337,
    nonce=7,
    to=bytes.fromhex("11" * 20),
    data=bytes(range(200)),
    gas_limit=400_000,
    fees=Fees(3 * 10**9, 10**9),
    access_list=((bytes.fromhex("22" * 20), (0, 5)),),
)


async def test_what_a_key_signs_is_its_accounts_and_has_the_hash_that_nodes_give_it() -> None:
    signer = KeySigner("0x" + KEY)
    signed = await signer.sign(ASKED)
    reference = Account.from_key(KEY).sign_transaction(ASKED.spelled() | {"to": ASKED.to})
    assert (signed.raw, signed.digest) == (bytes(reference.raw_transaction), bytes(reference.hash))
    assert (signer.address, signed.nonce) == (ADDRESS, 7)
    assert bytes.fromhex(Account.recover_transaction(signed.raw)[2:]) == ADDRESS


@pytest.mark.parametrize("key", ["", "0x12", "zz" * 32, "00" * 32, "ff" * 32, KEY + "00"])
def test_what_is_no_key_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(Malformed) as refused:
        KeySigner(key)
    assert key == "" or key not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_signer_shows_its_address_and_never_its_key() -> None:
    signer = KeySigner(KEY)
    assert repr(signer) == f"KeySigner(0x{ADDRESS.hex()})"
    assert KEY not in f"{signer} {signer!r}"


def _secret(folder: Path, name: str, text: str, mode: int = 0o600) -> str:
    file = folder / name
    file.write_text(text)
    file.chmod(mode)
    return str(file)


async def _opened(config: WalletConfig, environ: dict[str, str]) -> bytes:
    async with open_wallet(config, environ, SystemClock()) as signer:
        return signer.address


async def test_a_key_comes_from_environment_file_or_keystore(tmp_path: Path) -> None:
    assert await _opened(WalletConfig(), {"PRIVATE_KEY": KEY}) == ADDRESS
    file = _secret(tmp_path, "key", KEY + "\n")
    assert await _opened(WalletConfig(key_file=file), {}) == ADDRESS
    stored = msgspec.json.encode(Account.encrypt("0x" + KEY, "open sesame", iterations=2)).decode()
    keystore = _secret(tmp_path, "keystore.json", stored)
    assert await _opened(WalletConfig(keystore=keystore), {"KEYSTORE_PASSWORD": "open sesame"}) == ADDRESS
    password = _secret(tmp_path, "password", "open sesame\n")
    assert await _opened(WalletConfig(keystore=keystore, password_file=password), {}) == ADDRESS


async def test_without_a_key_or_with_two_nothing_is_signed(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=NO_WALLET):
        await _opened(WalletConfig(), {})
    both = WalletConfig(key_file=_secret(tmp_path, "key", KEY))
    with pytest.raises(Refused, match="PRIVATE_KEY and key_file"):
        await _opened(both, {"PRIVATE_KEY": KEY})


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
async def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(Refused, match=f"found {mode:04o}"):
        await _opened(WalletConfig(key_file=_secret(tmp_path, "key", KEY, mode)), {})


async def test_a_wrong_password_shows_neither_it_nor_the_key(tmp_path: Path) -> None:
    stored = msgspec.json.encode(Account.encrypt("0x" + KEY, "right", iterations=2)).decode()
    keystore = _secret(tmp_path, "keystore.json", stored)
    with pytest.raises(Malformed) as refused:
        await _opened(WalletConfig(keystore=keystore), {"KEYSTORE_PASSWORD": "wrong-password"})
    assert "wrong-password" not in str(refused.value)
    assert os.path.basename(keystore) in str(refused.value)


@pytest.mark.parametrize("is_wrapped", [True, False])
async def test_a_remote_signer_signs_what_it_is_asked_to(is_wrapped: bool) -> None:
    raw = "0x" + (await KeySigner(KEY).sign(ASKED)).raw.hex()
    async with serve_answers({"result": {"raw": raw, "tx": {}} if is_wrapped else raw}) as server:
        async with HttpEndpoint(server.url, SystemClock()) as http:
            signed = await RemoteSigner(http, ADDRESS).sign(ASKED)
    assert signed == await KeySigner(KEY).sign(ASKED)
    [asked] = server.asked
    assert asked["method"] == "eth_signTransaction"
    assert asked["params"][0]["from"] == "0x" + ADDRESS.hex()


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"error": {"code": -32000, "message": "request denied"}}, Refused),
        ({"result": "0x02c0"}, Malformed),
        ({"result": "0xzz"}, Malformed),
        ({"result": None}, Malformed),
        ({"result": {"tx": {}}}, Malformed),
        ({}, Malformed),
    ],
)
async def test_a_remote_signer_that_does_not_sign_is_told_of(
    answer: dict[str, object], fault: type[Fault]
) -> None:
    async with serve_answers(answer) as server, HttpEndpoint(server.url, SystemClock()) as http:
        with pytest.raises(fault):
            await RemoteSigner(http, ADDRESS).sign(ASKED)


async def test_a_remote_signer_that_signs_something_else_is_unsafe() -> None:
    other = await KeySigner(KEY).sign(cancelling(ADDRESS, 31_337, 7, ASKED.fees))
    stranger = await KeySigner("22" * 32).sign(ASKED)
    for found, named in ((other, "another"), (stranger, "signed by")):
        async with serve_answers({"result": "0x" + found.raw.hex()}) as server:
            async with HttpEndpoint(server.url, SystemClock()) as http:
                with pytest.raises(Unsafe, match=named):
                    await RemoteSigner(http, ADDRESS).sign(ASKED)


def test_to_sign_leaves_the_recursion_limit_which_hostile_frames_run_into():
    code = "import sys, tidemill.execute.account.wallet; print(sys.getrecursionlimit())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("1000", "")
