"""What is a trade signal: a request's body, read and found to be one, or refused with what is wrong in it."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec
from msgspec import Struct, field

from tidemill._rust import keccak256
from tidemill.core.hexadecimal import fixed_bytes
from tidemill.execute.plan.kinds import HopKind, LoanSource
from tidemill.execute.plan.route import Address
from tidemill.execute.plan.route_codec import HOPS_MAX
from tidemill.schema.faults import Malformed, Refused

EXTRA_BYTES_MAX = 160
"""The longest that a hop needs: a V4 pool's key."""
KEY_CHARS_MAX = 200
"""Of an idempotency key."""
_KEPT = 4_096
"""Addresses and extras that were read before: most signals name what others named."""
_AMOUNT_BITS = 128
_SOURCE_MAX, _KIND_MAX = max(LoanSource), max(HopKind)
_CHAIN_ID_MAX = (1 << 63) - 1


class _Body(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The body as it is written; the source document spells some names otherwise."""

    chain_id: int
    token: str
    amount: str | int
    flash_source: int
    protocols: list[int]
    routers: list[str]
    path: list[str]
    extras: list[str]
    expected_profit: float | None = field(default=None, name="expected_profit")
    idempotency_key: str | None = field(default=None, name="idempotency_key")
    lender: str | None = None
    min_profit: str | int | None = None
    priority_fee_wei: str | int | None = None


_DECODER = msgspec.json.Decoder(_Body)


class Signal(Struct, frozen=True, kw_only=True):
    """A trade that somebody asks for; its fields fit together, whether it profits is not known yet."""

    chain_id: int
    token: Address
    """What is borrowed."""
    amount: int
    """Smallest units, above zero."""
    flash_source: LoanSource
    protocols: tuple[HopKind, ...]
    routers: tuple[Address, ...]
    """Of each hop the pool, its vault or manager, or a router that the settings know."""
    path: tuple[Address, ...]
    """What each hop gives."""
    extras: tuple[bytes, ...]
    """As `execute.extras` reads them."""
    expected_profit_usd: float | None = None
    idempotency_key: str | None = None
    """Signals with the same one are the same trade."""
    lender: Address | None = None
    """Who lends, where it is not the one that the chain's settings name."""
    min_profit: int | None = None
    """Smallest units; None: what the settings' slippage leaves of the simulated profit."""
    priority_fee_wei: int | None = None
    """Paid over the base fee for a unit of gas; None: what the settings, or the last blocks, say."""

    @property
    def digest(self) -> bytes:
        """Keccak-256 of what is asked for, without its key."""
        asked: Sequence[object] = msgspec.structs.astuple(msgspec.structs.replace(self, idempotency_key=None))
        if (
            self.priority_fee_wei is None
        ):  # a signal without has the digest that ledgers kept before there was one
            asked = asked[:-1]
        return keccak256(msgspec.msgpack.encode([_spelled(one) for one in asked]))


def signal_of(body: bytes | msgspec.Raw, key: str | None = None) -> Signal:
    """Return the signal that `body` is: JSON with the fields of the source document's POST /execute.

    Four more may be there: `idempotency_key`, which may be given as `key` instead, `lender`, `minProfit`,
    `priorityFeeWei`.

    Raises: Malformed where it is none: the message names the field, what was expected and what was found;
    Refused where it names a loan source or protocol that there is not.
    """
    try:
        raw = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"signal: {error}") from None
    _check_lengths(raw)
    return Signal(
        chain_id=_within(raw.chain_id, "chainId", 1, _CHAIN_ID_MAX),
        token=_address(raw.token, "token"),
        amount=_amount(raw.amount, "amount", least=1),
        flash_source=LoanSource(_known(raw.flash_source, "flashSource", _SOURCE_MAX)),
        protocols=tuple(
            HopKind(_known(one, f"protocols[{i}]", _KIND_MAX)) for i, one in enumerate(raw.protocols)
        ),
        routers=tuple(_address(one, f"routers[{i}]") for i, one in enumerate(raw.routers)),
        path=tuple(_address(one, f"path[{i}]") for i, one in enumerate(raw.path)),
        extras=tuple(_extra(one, f"extras[{i}]") for i, one in enumerate(raw.extras)),
        expected_profit_usd=raw.expected_profit,
        idempotency_key=_key(raw.idempotency_key, key),
        lender=None if raw.lender is None else _address(raw.lender, "lender"),
        min_profit=None if raw.min_profit is None else _amount(raw.min_profit, "minProfit", least=0),
        priority_fee_wei=None
        if raw.priority_fee_wei is None
        else _amount(raw.priority_fee_wei, "priorityFeeWei", least=0),
    )


def body_of(signal: Signal) -> dict[str, object]:
    """Return a signal as a request's body spells it."""
    body: dict[str, object] = {
        "chainId": signal.chain_id,
        "token": _hex(signal.token),
        "amount": str(signal.amount),
        "flashSource": int(signal.flash_source),
        "protocols": [int(one) for one in signal.protocols],
        "routers": [_hex(one) for one in signal.routers],
        "path": [_hex(one) for one in signal.path],
        "extras": [_hex(one) for one in signal.extras],
        "expected_profit": signal.expected_profit_usd,
    }
    if signal.idempotency_key is not None:
        body["idempotency_key"] = signal.idempotency_key
    if signal.lender is not None:
        body["lender"] = _hex(signal.lender)
    if signal.min_profit is not None:
        body["minProfit"] = str(signal.min_profit)
    if signal.priority_fee_wei is not None:
        body["priorityFeeWei"] = str(signal.priority_fee_wei)
    return body


def _spelled(value: object) -> str:
    return _spelled_tuple(value) if isinstance(value, tuple) else str(value)


@lru_cache(_KEPT)
def _spelled_tuple(values: tuple[HopKind | bytes, ...]) -> str:
    return str(values)


def _key(inside: str | None, beside: str | None) -> str | None:
    key = inside if beside is None else beside
    if key is None:
        return None
    if inside not in (None, key):
        raise Malformed(
            f"signal: expected idempotency_key as in the header, {key!r:.60}, found {inside!r:.60}"
        )
    if not 1 <= len(key) <= KEY_CHARS_MAX or not key.isprintable():
        raise Malformed(
            f"signal: expected a key of 1 to {KEY_CHARS_MAX} printable characters, found {key!r:.60}"
        )
    return key


def _check_lengths(raw: _Body) -> None:
    count = len(raw.protocols)
    if not 1 <= count <= HOPS_MAX:
        raise Malformed(f"signal: expected protocols of 1 to {HOPS_MAX} hops, found {count}")
    for name, found in (("routers", raw.routers), ("path", raw.path), ("extras", raw.extras)):
        if len(found) != count:
            raise Malformed(f"signal: expected {name} of {count} hops, as protocols has, found {len(found)}")


def _within(value: int, name: str, least: int, most: int) -> int:
    if not least <= value <= most:
        raise Malformed(f"signal: expected {name} of {least} to {most}, found {_shown(value)}")
    return value


def _known(value: int, name: str, most: int) -> int:
    if not 0 <= value <= most:
        raise Refused(f"signal: expected {name} of 0 to {most}, found {_shown(value)}")
    return value


def _amount(value: str | int, name: str, *, least: int) -> int:
    """Read a number of smallest units: a JSON integer, or a string of decimal digits."""
    digits = _shown(value) if isinstance(value, int) else value
    is_number = digits.removeprefix("-").isascii() and digits.removeprefix("-").isdigit()
    if not is_number or len(digits) > 40 or not least <= int(digits) < 1 << _AMOUNT_BITS:
        raise Malformed(
            f"signal: expected {name} as a whole number of smallest units, {least} or more and below"
            f" 2^{_AMOUNT_BITS}, found {digits!r:.60}"
        )
    return int(digits)


def _shown(value: int) -> str:
    """Return a number as a message tells it; of thousands of digits Python spells none."""
    return str(value) if value.bit_length() <= _AMOUNT_BITS else f"one of {value.bit_length()} bits"


@lru_cache(_KEPT)
def _address(text: str, name: str) -> Address:
    """Read an address; one in letters of both cases must have EIP-55's checksum."""
    found = fixed_bytes(text, 20)
    if found is None:
        raise Malformed(f"signal: expected {name} as 0x and 40 hexadecimal digits, found {text!r:.60}")
    digits = text[2:]
    if digits not in (digits.lower(), digits.upper()) and digits != _checksummed(digits.lower()):
        raise Malformed(f"signal: expected {name} with the checksum of its letters' case, found {text!r:.60}")
    return found


def _checksummed(digits: str) -> str:
    marks = keccak256(digits.encode()).hex()
    return "".join(
        one.upper() if int(mark, 16) >= 8 else one for one, mark in zip(digits, marks, strict=False)
    )


@lru_cache(_KEPT)
def _extra(text: str, name: str) -> bytes:
    byte_count = max(len(text) - 2, 0) // 2
    found = fixed_bytes(text, byte_count) if text else b""
    if found is None or byte_count > EXTRA_BYTES_MAX:
        raise Malformed(
            f"signal: expected {name} as 0x and digits of up to {EXTRA_BYTES_MAX} bytes, found {text!r:.60}"
        )
    return found


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
