"""What may a request ask: each route's parameters as a struct; what is unknown or does not fit is refused."""

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from tidemill.schema.events import Proof
from tidemill.schema.faults import Refused
from tidemill.store.coverage import level_of

_BlockNumber = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
_OTHER_NAMES = {"from": "from_block", "to": "to_block"}
_NOTHING_MORE: Mapping[str, Any] = MappingProxyType({})
S = TypeVar("S", bound=Struct)


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """A route that takes no parameters."""


class EndpointsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What `GET /endpoints` may be asked."""

    source: str | None = None
    """Which chain; all by default."""


class CoverageAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What `GET /coverage` may be asked, as `tidemill coverage` is."""

    source: str | None = None
    from_block: _BlockNumber | None = None
    """The first block that counts; also spelled `from`."""
    to_block: _BlockNumber | None = None
    """The last block that counts; also spelled `to`."""
    level: Proof | None = None
    """What every block must be proven by."""
    gaps: bool = False
    """Only the gaps."""
    require: str | None = None
    """`complete` or `complete:LEVEL`: fail where a block is missing, or proven by less."""

    def wanted(self) -> Proof:
        """Return the level that blocks are held against. Raises: Refused, where two are asked for."""
        if self.require is None:
            return self.level or Proof.NONE
        try:
            level = level_of(self.require, "require")
        except ValueError as wrong:
            raise Refused(str(wrong)) from None
        if self.level not in {None, level}:
            raise Refused(f"require: expected no level beside it, or the same one, found {self.level}")
        return level


@cache
def _lists(kind: type[Struct]) -> frozenset[str]:
    """Return the names of the fields that may be given several times."""
    kinds = {field.name: field.type for field in msgspec.structs.fields(kind)}
    plain = {name: get_args(one)[0] if get_origin(one) is Annotated else one for name, one in kinds.items()}
    return frozenset(name for name, one in plain.items() if get_origin(one) is tuple)


def read(kind: type[S], given: Sequence[tuple[str, str]], path: Mapping[str, Any] = _NOTHING_MORE) -> S:
    """Return the parameters as `kind` has them, those of the path among them.

    Raises: Refused, naming the one that does not fit.
    """
    found: dict[str, Any] = dict(path)
    for spelled, value in given:
        name = _OTHER_NAMES.get(spelled, spelled)
        if name not in kind.__struct_fields__:
            known = ", ".join(kind.__struct_fields__) or "none"
            raise Refused(f"{spelled}: unknown parameter; known: {known}")
        if name in _lists(kind):
            found.setdefault(name, []).append(value)
        elif name in found:
            raise Refused(f"{spelled}: expected it once, found it twice")
        else:
            found[name] = value
    try:
        return msgspec.convert(found, kind, strict=False)
    except msgspec.ValidationError as fault:
        raise Refused(f"parameters: {str(fault)[0].lower()}{str(fault)[1:]}") from None
