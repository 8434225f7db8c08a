"""What came of the trial of a token, as an entry that its chain's machine is told by, and as an event."""

import msgspec
from msgspec import Struct

from tidemill.core.recording import Entry, Kind
from tidemill.schema.events import TokenNature, TokenTrial


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
