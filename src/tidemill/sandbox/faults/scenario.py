"""Which faults an endpoint is to have: a scenario, written as text or chosen by a preset's name."""

from collections.abc import Callable, Mapping
from typing import Any, Self

from msgspec import Struct, structs

from tidemill.sandbox.faults import spelling
from tidemill.sandbox.faults.spelling import Every, OneIn, Reorg, Span
from tidemill.schema.faults import Refused


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The faults of one endpoint; a kind that is None is not had. `KINDS` says what each does."""

    drop_log: OneIn | None = None
    drop: OneIn | None = None
    duplicate: OneIn | None = None
    reorder: OneIn | None = None
    truncate: OneIn | None = None
    garbage: OneIn | None = None
    disconnect: OneIn | Every | None = None
    freeze: Span | None = None
    refuse: Span | None = None
    slow_ms: int | None = None
    limit: int | None = None
    """Requests a second."""
    stale: int | None = None
    """Blocks."""
    wrong_fork: OneIn | None = None
    wrong_chain: int | None = None
    """A chain id."""
    no_method: tuple[str, ...] | None = None
    reorg: Reorg | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `kind=value` items joined by commas; a preset's name may stand first, later items override it.

        Raises: Refused where a kind, a value or a preset is not one of ours.
        """
        values: dict[str, Any] = {}
        given: set[str] = set()
        for at, item in enumerate(text.split(",")):
            name, is_kind, value = (part.strip() for part in item.partition("="))
            if not is_kind and at == 0:
                values |= structs.asdict(cls.parse(_preset(name)))
                continue
            if name in given:
                raise Refused(f"scenario {name}={value!r}: expected each kind once, found it again")
            given.add(name)
            values[name] = _read(name, value)
        return cls(**values)

    def __str__(self) -> str:
        """Return the text that `parse` reads as this scenario; empty where it has no fault."""
        had = ((kind.name, getattr(self, kind.name), kind) for kind in KINDS.values())
        return ",".join(
            f"{name}={spelling.write(value, unit=kind.unit)}"
            for name, value, kind in had
            if value is not None
        )


class Kind(Struct, frozen=True):
    """One kind of fault, as users read it."""

    name: str
    form: str
    """How its value is written."""
    read: Callable[[str], Any]
    """Returns the value, or None where it is not written so."""
    meaning: str
    unit: str = ""


def _kinds(*kinds: Kind) -> Mapping[str, Kind]:
    return {kind.name: kind for kind in kinds}


KINDS = _kinds(
    Kind(
        "drop_log",
        "1/N",
        spelling.one_in,
        "one log in N is left out of every answer and notice that has it, always the same ones",
        "1/",
    ),
    Kind(
        "drop", "1/N", spelling.one_in, "one message in N is not sent: on HTTP, no answer comes at all", "1/"
    ),
    Kind("duplicate", "1/N", spelling.one_in, "one WebSocket message in N is sent twice", "1/"),
    Kind(
        "reorder", "1/N", spelling.one_in, "one WebSocket notice in N comes after the message behind it", "1/"
    ),
    Kind("truncate", "1/N", spelling.one_in, "one message in N ends before its end", "1/"),
    Kind("garbage", "1/N", spelling.one_in, "one message in N has bytes that are not JSON", "1/"),
    Kind(
        "disconnect",
        "1/N or Xs",
        spelling.one_in_or_every,
        "the connection is cut in the place of one message in N; or every X seconds all of them are",
        "1/",
    ),
    Kind(
        "freeze",
        "AFTERs/FORs",
        spelling.span,
        "after AFTER seconds nothing is said for FOR seconds, again and again: connections stay open, pings "
        "are answered, what would have been said is lost",
    ),
    Kind(
        "refuse",
        "AFTERs/FORs",
        spelling.span,
        "after AFTER seconds every connection is cut and none accepted for FOR seconds, again and again",
    ),
    Kind("slow_ms", "N", spelling.count, "each message comes N ms late, give or take a half"),
    Kind(
        "limit",
        "N/s",
        spelling.rate,
        "what is asked beyond N requests a second is refused: HTTP 429 with Retry-After, error -32005 on a "
        "WebSocket",
        "/s",
    ),
    Kind("stale", "N", spelling.count, "the chain ends N blocks early, in notices and in answers"),
    Kind(
        "wrong_fork",
        "1/N",
        spelling.one_in,
        "from one of the next blocks on (each with chance 1/N) the chain is another one, linked in itself",
        "1/",
    ),
    Kind("wrong_chain", "ID", spelling.count, "the chain id is said to be ID"),
    Kind("no_method", "NAME[+NAME]", spelling.names, "these methods are answered with error -32601"),
    Kind(
        "reorg",
        "DEPTH/EVERYs",
        spelling.reorg,
        "the sandbox's node replaces its last DEPTH blocks every EVERY seconds (not the proxy's doing: the "
        "honest endpoint sees it too)",
    ),
)
"""Every kind, in the order in which a scenario is written."""

PRESETS: Mapping[str, str] = {
    "lossy": "drop_log=1/100,drop=1/200",
    "flaky": "disconnect=1/500,refuse=20s/3s",
    "frozen": "freeze=10s/10s",
    "slow": "slow_ms=400",
    "limited": "limit=10/s",
    "garbled": "duplicate=1/100,reorder=1/100,truncate=1/200,garbage=1/200",
    "lagging": "stale=5",
    "forked": "wrong_fork=1/20",
    "crippled": "no_method=eth_getBlockReceipts+eth_getLogs",
    "reorging": "reorg=3/10s",
    "hostile": "drop_log=1/200,drop=1/500,duplicate=1/200,reorder=1/200,truncate=1/1000,garbage=1/1000,"
    "disconnect=1/2000,freeze=45s/15s,slow_ms=50,reorg=2/20s",
}
"""Scenarios with a name."""


def _preset(name: str) -> str:
    if name not in PRESETS:
        raise Refused(
            f"scenario {name!r}: expected kind=value items joined by commas, or a preset of "
            f"{', '.join(PRESETS)}"
        )
    return PRESETS[name]


def _read(name: str, text: str) -> Any:
    kind = KINDS.get(name)
    if kind is None:
        raise Refused(f"scenario {name}={text!r}: expected a kind of {', '.join(KINDS)}, found {name!r}")
    value = kind.read(text)
    if value is None:
        raise Refused(f"scenario {name}={text!r}: expected {name}={kind.form}, found {text!r}")
    return value


def table() -> str:
    """Return kinds and presets as two Markdown tables, for the guide."""
    kinds = [f"| `{kind.name}={kind.form}` | {kind.meaning} |" for kind in KINDS.values()]
    presets = [f"| `{name}` | `{text}` |" for name, text in PRESETS.items()]
    return "\n".join(
        [
            "| kind | what happens |",
            "|---|---|",
            *kinds,
            "",
            "| preset | is short for |",
            "|---|---|",
            *presets,
        ]
    )
