"""Which events does a request ask for: column, operator and value, spelled as text, read by the schema."""

import datetime as dt
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

import pyarrow as pa

from tidemill.schema import derive
from tidemill.schema.derive import Column
from tidemill.schema.faults import Refused
from tidemill.schema.types import ADDRESS, HASH, NANOS
from tidemill.store import Condition
from tidemill.store.base import Operator, Value

ABSENT = "null"
"""How a value that is not there is spelled."""
WHERE_PATTERN = r"^[a-z0-9_]+(=|!=|<=|>=|<|>).*$"
_WHERE = re.compile(r"([a-z0-9_]+)(!=|<=|>=|=|<|>)(.*)", re.DOTALL)
_NS_PER_S = 10**9
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LENGTH_MAX = 200
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def conditions(tag: str, where: Iterable[str], equal: Mapping[str, Sequence[str]]) -> tuple[Condition, ...]:
    """Return what `where=column>=value` and `column=value` ask for; several values of one are any of them.

    Raises: Refused, naming what does not fit the schema.
    """
    by_name = {column.name: column for column in derive.columns(tag)}
    found: list[Condition] = []
    for text in where:
        parts = _WHERE.fullmatch(text)
        if parts is None or parts[1] not in by_name:
            operators = " ".join(get_args(Operator)[:-1])
            raise Refused(f"where: expected a column, one of {operators}, and a value; found {text[:200]!r}")
        found.append(_condition(by_name[parts[1]], parts[2], parts[3]))
    for name, values in equal.items():
        column = by_name[name]
        if len(values) == 1:
            found.append(_condition(column, "=", values[0]))
        else:
            found.append(Condition(name, "in", [_present(column, value) for value in values]))
    return tuple(found)


def _condition(column: Column, spelled: str, text: str) -> Condition:
    how: Operator = spelled  # pyright: ignore[reportAssignmentType] the pattern lets no other through
    if text == ABSENT and column.is_optional:
        if how not in {"=", "!="}:
            raise Refused(f"{column.name}: expected = or != before {ABSENT}, found {how}")
        return Condition(column.name, how, None)
    return Condition(column.name, how, _present(column, text))


def _present(column: Column, text: str) -> Value:
    """Return the value that `text` spells. Raises: Refused."""
    logical = column.logical
    if len(text) > _LENGTH_MAX:
        raise Refused(f"{column.name}: expected up to {_LENGTH_MAX} characters, found {len(text)}")
    if logical in (HASH, ADDRESS):
        if not re.fullmatch(rf"0x[0-9a-fA-F]{{{2 * logical.byte_width}}}", text):
            raise Refused(f"{column.name}: expected 0x and {2 * logical.byte_width} digits, found {text!r}")
        return bytes.fromhex(text[2:])
    if logical is NANOS:
        return time_ns(column.name, text)
    if pa.types.is_string(logical.arrow):
        if column.choices and text not in column.choices:
            raise Refused(f"{column.name}: expected one of {', '.join(column.choices)}, found {text!r}")
        return text
    if pa.types.is_decimal(logical.arrow) or pa.types.is_floating(logical.arrow):
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise Refused(f"{column.name}: expected a number, found {text!r}") from None
        if not value.is_finite() or abs(value.adjusted()) > 300:
            raise Refused(f"{column.name}: expected a number, found {text!r}")
        return value
    if not re.fullmatch(r"-?[0-9]{1,80}", text):
        raise Refused(f"{column.name}: expected an integer, found {text!r}")
    return int(text)


def time_ns(name: str, text: str) -> int:
    """Return the time that `text` spells: ns since 1970, a date, or a date and time, in UTC without a zone.

    Raises: Refused, naming the parameter.
    """
    if re.fullmatch(r"-?[0-9]{1,19}", text) and not re.fullmatch(r"[0-9]{8}", text):
        found = int(text)
    else:
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            raise Refused(
                f"{name}: expected a date as 2026-01-31, a time as 2026-01-31T12:00:00Z or ns since 1970,"
                f" found {text!r}"
            ) from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        since = moment - _EPOCH
        found = (since.days * 86_400 + since.seconds) * _NS_PER_S + since.microseconds * 1_000
    if not 0 <= found < 1 << 62:
        raise Refused(f"{name}: expected a time from 1970 to 2116, found {text!r}")
    return found


def matching(
    tag: str, batch: pa.RecordBatch, where: Sequence[Condition]
) -> tuple[Sequence[int], pa.RecordBatch]:
    """Return the numbers of the rows that fulfil every condition, as a query has it, and these rows."""
    if not where:
        return range(batch.num_rows), batch
    asked = list(dict.fromkeys(condition.column for condition in where))
    rows = derive.to_rows(tag, batch.select(asked))
    numbers = [
        number for number, row in enumerate(rows) if all(_holds(one, row[one.column]) for one in where)
    ]
    return numbers, batch if len(numbers) == batch.num_rows else batch.take(pa.array(numbers, pa.int64()))


def _holds(condition: Condition, value: Any) -> bool:
    how, wanted = condition.operator, condition.value
    if wanted is None:
        return (value is None) == (how == "=")
    if value is None:
        return False
    if how == "in":
        assert isinstance(wanted, list)
        return value in wanted
    if how in {"=", "!="}:
        return (value == wanted) == (how == "=")
    if isinstance(value, float) and math.isnan(value):
        return False  # it is in no order, and `Decimal` refuses to say so
    return _COMPARE[how](value, wanted)
