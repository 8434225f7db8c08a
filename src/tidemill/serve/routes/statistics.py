"""What is told of all that is stored, in a few numbers."""

from msgspec import Struct

from tidemill.serve.across import Across
from tidemill.serve.route import Answer, Call, Role, Route


class Table(Struct, frozen=True):
    """How much one table holds."""

    rows: int
    bytes_on_disk: int


class Totals(Struct, frozen=True):
    """What is stored."""

    tables: dict[str, Table]


async def stats(call: Call) -> Answer:
    """Return rows and bytes of every table."""
    sizes = await call.parts[Across].sizes()
    return Answer(Totals({one.table: Table(one.rows, one.bytes_on_disk) for one in sizes}))


ROUTES = (Route(path="/stats", answer=stats, role=Role.VIEWER, tells=Totals),)
