"""Order books of contracts on Sei. Docs: https://docs.sei.io, https://docs.cometbft.com/v0.38/rpc/.

Limits: 5 subscriptions a connection, 100 clients, 512 characters a query; a slow one loses its subscription.
"""

import hashlib

from msgspec import Struct

from tidemill.schema.faults import Malformed
from tidemill.venues.base import Mapped, Origin, Venue
from tidemill.venues.sei.books import Books
from tidemill.venues.sei.frames import Encoding, Listed, Tx, read_frame
from tidemill.venues.sei.mapping import Mapping, load_mapping
from tidemill.venues.sei.meaning import Reader
from tidemill.venues.sei.telling import Teller, When

_MAPPINGS: dict[str, Mapping] = {name: load_mapping(name) for name in ("limit_orders", "flashmm")}


def map_frame(channel: str, frame: bytes, origin: Origin, recv_ns: int) -> Mapped:
    """Map what a frame says by itself: trades and whole books; a channel is `mapping.encoding`.

    What an order's coming and going does to a book, `SeiFollower` knows, which has the book.
    Raises: Malformed; what the node answers instead.
    """
    name, _, encoding = channel.partition(".")
    where = f"{origin.source} {channel}"
    heard = read_frame(frame, Encoding(encoding), where)
    if not isinstance(heard, Tx | Listed):
        return Mapped()
    messages, faults = Reader(_MAPPINGS[name], {}).read(heard.events)
    books = Books({message.instrument for message in messages})
    teller = Teller(origin.source, hashlib.sha256(frame).hexdigest()[:16])
    when = When(recv_ns, recv_ns, heard.tx_hash if isinstance(heard, Tx) else None)
    told = teller.effects(books.apply(messages), when, with_trades=True)
    events = [event for event in told if isinstance(event, Struct)]
    named: list[Malformed] = [Malformed(f"{where}: {fault}") for fault in teller.faults]
    return Mapped(events=events, faults=[*faults, *named], row_count=len(heard.events))


VENUE = Venue(
    name="sei",
    docs=(
        "https://docs.sei.io",
        "https://docs.cometbft.com/v0.38/rpc/",
        "https://github.com/sei-protocol/sei-chain/tree/main/sei-tendermint/internal/pubsub/query",
    ),
    limits="5 subscriptions a connection and 100 clients a node by default; 512 characters a query; a client"
    " that is 100 messages behind loses its subscription; pings every 27 s.",
    channels=("limit_orders.base64", "limit_orders.plain", "flashmm.plain"),
    map_frame=map_frame,
)
