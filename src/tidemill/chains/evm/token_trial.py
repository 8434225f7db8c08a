"""Does a token move as an ordinary one does: tried on the chain's own state, in calls that change nothing.

A holder of the token is made to pay a stranger and to be paid back (state overrides put `token_probe.vy`
where the two are); whoever gets less than was paid meets a fee. Then each number in storage that the balances
of several holders depend on is made a sixteenth larger and smaller; a balance that follows is one that
rebases.
"""

from collections.abc import Generator
from pathlib import Path

import msgspec
from msgspec import Struct, field

from tidemill.core.recording import Entry, Kind
from tidemill.schema.events import TokenNature, TokenTrial

Question = tuple[str, list[object]]
"""A JSON-RPC method and its parameters."""
Trial = Generator[list[Question], list[bytes | None], "TokenNature | None"]
"""Yields questions, is sent the JSON of their results, None where a node refused; returns what was found."""

Place = tuple[str, str]
"""An address, and a slot of its storage."""

PROBE_SOURCE = Path(__file__).with_name("token_probe.vy")
PROBE = "0x" + PROBE_SOURCE.with_suffix(".hex").read_text().strip()
"""Its code as a contract has it, compiled with Vyper 0.4.3."""
_PROBE_CALL = "28082048"
_BALANCE_OF = "70a08231"
_STRANGER = "74" * 20
_OTHERS = ("00" * 18 + "dead", "00" * 20, _STRANGER)
"""Holders whose balances show which numbers are shared, beside the token itself."""
_SLOTS_MAX = 8
_ROUNDING = 2
"""Units by which a balance kept in shares misses an amount."""
_NATIVE = (bytes(20), b"\xee" * 20)


class _Access(Struct, rename="camel"):
    address: str
    storage_keys: list[str]


class _AccessList(Struct, rename="camel"):
    access_list: list[_Access] = field(default_factory=list[_Access])


class Tried(Struct, frozen=True):
    """What came of a trial."""

    token: bytes
    holder: bytes
    block_number: int | None
    """The block on whose state it was tried; None where no endpoint answered."""
    nature: TokenNature | None
    """None where it could not be told."""


def tried_entry(tried: Tried, recv_ns: int) -> Entry:
    """Return the entry that tells the machine of a trial."""
    return Entry(Kind.TRIAL, recv_ns, "", msgspec.msgpack.encode(tried))


def trial_event(entry: Entry, source: str, chain_id: int) -> TokenTrial:
    """Return the event of such an entry."""
    tried = msgspec.msgpack.decode(entry.data, type=Tried)
    return TokenTrial(
        event_ns=entry.recv_ns,
        recv_ns=entry.recv_ns,
        source=source,
        chain_id=chain_id,
        **msgspec.structs.asdict(tried),
    )


def try_token(token: bytes, holder: bytes, block: object) -> Trial:
    """Return the trial of a token that `holder` has, on the state after `block`.

    It finds None where that cannot be told: the holder has none of it, or the node knows no state overrides
    or no access lists.
    """
    if token in _NATIVE:
        return TokenNature.ORDINARY
    found = yield [_probe(token, holder, block)]
    numbers = _numbers(found[0])
    nature = None if numbers is None else nature_of(numbers)
    if nature is not TokenNature.ORDINARY:
        return nature
    assert numbers is not None
    lists = yield [_access(token, owner, block) for owner in (holder.hex(), *_OTHERS, token.hex())]
    places = [_places(told) for told in lists]
    if not places[0]:  # a balance is kept somewhere: the node does not say where
        return None
    shared = sorted(places[0].intersection(set[Place]().union(*places[1:])))[:_SLOTS_MAX]
    values = yield [("eth_getStorageAt", [address, slot, block]) for address, slot in shared]
    changed = [
        _moved(token, holder, block, place, other)
        for place, value in zip(shared, values, strict=True)
        for other in _others(value)
    ]
    balances = yield changed
    follows = any(_word(balance) not in (None, 0, numbers[0]) for balance in balances)
    return TokenNature.REBASING if follows else TokenNature.ORDINARY


def nature_of(numbers: list[int]) -> TokenNature | None:
    """Return what the probe's numbers say of a token; None where the holder has none of it."""
    if numbers and numbers[0] == 0:
        return None
    if len(numbers) < 5:
        return TokenNature.UNMOVABLE
    holder0, stranger0, amount, holder1, stranger1 = numbers[:5]
    misses = [abs(holder0 - holder1 - amount), abs(stranger1 - stranger0 - amount)]
    if len(numbers) == 8:
        back, holder2, stranger2 = numbers[5:]
        misses += [abs(holder2 - holder1 - back), abs(stranger1 - stranger2 - back)]
    if max(misses) > _ROUNDING:
        return TokenNature.FEE_ON_TRANSFER
    if len(numbers) < 8:
        return TokenNature.UNMOVABLE
    return TokenNature.REBASING if any(misses) else TokenNature.ORDINARY


def _padded(address: str) -> str:
    return address.rjust(64, "0")


def _probe(token: bytes, holder: bytes, block: object) -> Question:
    data = f"0x{_PROBE_CALL}{_padded(token.hex())}{_padded(_STRANGER)}"
    overrides = {f"0x{holder.hex()}": {"code": PROBE}, f"0x{_STRANGER}": {"code": PROBE}}
    return "eth_call", [{"to": f"0x{holder.hex()}", "data": data}, block, overrides]


def _balance_call(token: bytes, owner: str) -> dict[str, str]:
    return {"to": f"0x{token.hex()}", "data": f"0x{_BALANCE_OF}{_padded(owner)}"}


def _access(token: bytes, owner: str, block: object) -> Question:
    return "eth_createAccessList", [_balance_call(token, owner), block]


def _moved(token: bytes, holder: bytes, block: object, place: Place, value: int) -> Question:
    address, slot = place
    overrides = {address: {"stateDiff": {slot: f"0x{value:064x}"}}}
    return "eth_call", [_balance_call(token, holder.hex()), block, overrides]


def _others(value: bytes | None) -> list[int]:
    number = _word(value)
    if not number:
        return []
    return [(number + number // 16 + 1) % (1 << 256), number - number // 16 - 1]


def _places(told: bytes | None) -> set[Place]:
    """Return what a balance is read from."""
    if told is None:
        return set()
    try:
        found = msgspec.json.decode(told, type=_AccessList)
    except msgspec.DecodeError:
        return set()
    return {(access.address, slot) for access in found.access_list for slot in access.storage_keys}


def _bytes(result: bytes | None) -> bytes | None:
    if result is None:
        return None
    try:
        return bytes.fromhex(msgspec.json.decode(result, type=str).removeprefix("0x"))
    except (msgspec.DecodeError, ValueError):
        return None


def _word(result: bytes | None) -> int | None:
    found = _bytes(result)
    return int.from_bytes(found, "big") if found is not None and len(found) == 32 else None


def _numbers(result: bytes | None) -> list[int] | None:
    """Return the numbers of the probe's answer; None where another code answered, or none."""
    found = _bytes(result)
    if found is None or len(found) % 32 or len(found) < 64:
        return None
    words = [int.from_bytes(found[at : at + 32], "big") for at in range(0, len(found), 32)]
    offset, count, *numbers = words
    return numbers if (offset, count) == (32, len(numbers)) and count in (0, 2, 5, 8) else None
