"""Who signs transactions: a key in this process, or another program that keeps it."""

import secrets
from typing import Any, Protocol

import msgspec
import rlp
from coincurve import PrivateKey
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError
from hexbytes import HexBytes
from msgspec import Struct
from rlp.exceptions import RLPException

from tidemill._rust import keccak256
from tidemill.core.hexadecimal import fixed_bytes
from tidemill.core.http import HttpEndpoint, HttpFailure
from tidemill.execute.account.key_library import Account, LocalAccount, TypedTransaction, encode_defunct
from tidemill.execute.account.transaction import Signed, Transaction
from tidemill.execute.plan.route import Address
from tidemill.schema.faults import Malformed, Refused, Unsafe


class Signer(Protocol):
    """Signs for one account."""

    @property
    def address(self) -> Address:
        """Whose transactions it signs."""
        ...

    async def sign(self, transaction: Transaction) -> Signed:
        """Return `transaction`, signed.

        Raises: Refused where the signer will not, Unreachable, Malformed; Unsafe where it signed another one.
        """
        ...


class KeySigner:
    """Signs with a key in memory, which is in nothing that it shows of itself."""

    def __init__(self, key: str) -> None:
        """`key`: 32 bytes in hexadecimal digits, with or without 0x. Raises: Malformed, without the key."""
        digits = key.strip()
        found = fixed_bytes(digits if digits.startswith("0x") else "0x" + digits, 32)
        try:
            if found is None:
                raise ValueError
            self._account: LocalAccount = Account.from_key(found)
            self._key = PrivateKey(found)
        except ValueError:
            # The cause would show the key.
            raise Malformed("private key: expected 64 hexadecimal digits of a valid key") from None

    @classmethod
    def made(cls) -> "KeySigner":
        """Return one with a key that nobody had before: to be told from others by, not to hold money."""
        return cls(secrets.token_hex(32))

    def __repr__(self) -> str:
        return f"KeySigner(0x{self.address.hex()})"

    @property
    def address(self) -> Address:
        """Whose transactions it signs."""
        return bytes.fromhex(self._account.address[2:])

    async def sign(self, transaction: Transaction) -> Signed:
        """Return `transaction`, signed."""
        fields = _listed(transaction)
        digest = keccak256(_TYPE + rlp.encode(fields))
        signature = self._key.sign_recoverable(digest, hasher=None)
        r, s, parity = (int.from_bytes(signature[a:b]) for a, b in ((0, 32), (32, 64), (64, 65)))
        return _signed(_TYPE + rlp.encode([*fields, parity, r, s]), transaction)

    def sign_text(self, text: str) -> bytes:
        """Return the 65 bytes of the signature of a text. Source: EIP-191, version 0x45."""
        return bytes(self._account.sign_message(encode_defunct(text=text)).signature)


class RemoteSigner:
    """Has another program sign by `eth_signTransaction`, as clef and web3signer do."""

    def __init__(self, http: HttpEndpoint, address: Address) -> None:
        self._http = http
        self._address = address

    @property
    def address(self) -> Address:
        """Whose transactions it signs."""
        return self._address

    async def sign(self, transaction: Transaction) -> Signed:
        """Return `transaction`, signed; it is checked that it is this one and signed by this account.

        Raises: Refused where the signer will not, Unreachable, Malformed; Unsafe where it signed another one.
        """
        asked = {"from": "0x" + self._address.hex(), **transaction.spelled()}
        body = {"jsonrpc": "2.0", "id": 1, "method": "eth_signTransaction", "params": [asked]}
        answer = await self._http.post(msgspec.json.encode(body))
        if isinstance(answer, HttpFailure):
            raise answer.fault
        where = f"{self._http.endpoint} eth_signTransaction"
        try:
            reply = _REPLY.decode(answer.body)
            if reply.error is not None:
                raise Refused(f"{where}: expected a signature, found: {reply.error.message[:300]}")
            text = reply.result if isinstance(reply.result, str) else reply.result["raw"]
            raw = bytes.fromhex(text.removeprefix("0x"))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise Malformed(f"{where}: expected a signed transaction, found none: {error}") from error
        self._check(raw, transaction, where)
        return _signed(raw, transaction)

    def _check(self, raw: bytes, transaction: Transaction, where: str) -> None:
        """Check that `raw` is the transaction that was asked for: what signs could have been deceived."""
        try:
            found = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
            sender = Account.recover_transaction(raw)
        except _UNREADABLE as error:
            raise Malformed(f"{where}: expected a transaction of type 2: {error}") from error
        wanted = TypedTransaction.from_dict(_fields(transaction)).as_dict()
        differing = sorted(name for name in wanted if found.get(name) != wanted[name])
        if differing:
            raise Unsafe(f"{where}: expected what was asked for, found another {', '.join(differing)}")
        if bytes.fromhex(sender[2:]) != self._address:
            raise Unsafe(f"{where}: expected to be signed by 0x{self._address.hex()}, found {sender}")


class _Error(Struct, frozen=True):
    message: str = ""


class _Reply(Struct, frozen=True):
    result: Any = None
    error: _Error | None = None


_UNREADABLE = (ValueError, TypeError, IndexError, RLPException, BadSignature, ValidationError)
"""What the decoder of transactions raises for bytes that are none."""
_REPLY = msgspec.json.Decoder(_Reply)
_TYPE = b"\x02"
"""Of EIP-1559."""


def _listed(transaction: Transaction) -> list[Any]:
    """Return the fields in the order in which they are signed: a tenth of the time that eth-account takes.

    Source: https://eips.ethereum.org/EIPS/eip-1559, "Specification".
    """
    one = transaction
    listed = [[address, [slot.to_bytes(32) for slot in slots]] for address, slots in one.access_list]
    fees = [one.fees.max_tip_wei, one.fees.max_fee_wei]
    return [one.chain_id, one.nonce, *fees, one.gas_limit, one.to, one.value_wei, one.data, listed]


def _fields(transaction: Transaction) -> dict[str, Any]:
    fields = transaction.spelled()
    # Account takes addresses as text by their checksum only, or as bytes.
    return fields | {"to": transaction.to}


def _signed(raw: bytes, transaction: Transaction) -> Signed:
    return Signed(raw, keccak256(raw), transaction.nonce)
