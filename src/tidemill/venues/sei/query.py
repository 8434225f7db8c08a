"""What may be subscribed to at a CometBFT node: the grammar of its queries, read, written and evaluated.

Source: sei-tendermint internal/pubsub/query/syntax/doc.go; no OR, no parentheses, 512 characters at most.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple, TypeVar

from tidemill.schema.faults import Malformed

CHARS_MAX = 512
_CONDITION = re.compile(
    r"\s*(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.\-/]*)\s*"
    r"(?:(?P<exists>EXISTS\b)|(?P<operator><=|>=|=|<|>|CONTAINS\b)\s*"
    r"(?:'(?P<text>[^']*)'|(?P<kind>DATE|TIME)\s+(?P<when>[0-9][0-9T:.Z+\-]*)"
    r"|(?P<number>-?[0-9]+(?:\.[0-9]+)?)))\s*"
)
_AND = re.compile(r"AND\b")
_Ordered = TypeVar("_Ordered", Decimal, datetime)
_DIGITS = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class Condition(NamedTuple):
    """One condition: a tag, what is asked of its values, and against what."""

    tag: str
    operator: str
    value: str | Decimal | datetime | None

    def holds(self, found: Sequence[str]) -> bool:
        """Say whether one of a tag's values meets it."""
        return any(self._meets(one) for one in found)

    def _meets(self, found: str) -> bool:
        wanted = self.value
        if wanted is None:
            return True
        if self.operator == "CONTAINS":
            return str(wanted) in found
        if isinstance(wanted, str):
            return self.operator == "=" and found == wanted
        if isinstance(wanted, Decimal):
            digits = _DIGITS.match(found)  # as the node does: a coin such as 12usei counts as 12
            return digits is not None and _compare(self.operator, Decimal(digits[0]), wanted)
        try:
            return _compare(self.operator, _in_utc(datetime.fromisoformat(found)), wanted)
        except ValueError:
            return False


class Query(NamedTuple):
    """Conditions that must all hold."""

    text: str
    """As it was written: what unsubscribes must be spelt the same."""
    conditions: tuple[Condition, ...]

    def matches(self, events: Mapping[str, Sequence[str]]) -> bool:
        """Say whether it matches the flat map of a message's events."""
        return all(one.holds(events.get(one.tag, ())) for one in self.conditions)


def parse(text: str) -> Query:
    """Return what a query asks for.

    Raises: Malformed, where a node would refuse it.

    Example:
        >>> parse("tm.event='Tx' AND tx.height > 5").conditions[1]
        Condition(tag='tx.height', operator='>', value=Decimal('5'))
    """
    if len(text) > CHARS_MAX:
        raise Malformed(f"query: expected at most {CHARS_MAX} characters, found {len(text)}")
    conditions: list[Condition] = []
    at = 0
    while True:
        found = _CONDITION.match(text, at)
        if found is None:
            raise Malformed(f"query: expected a condition at {text[at : at + 40]!r}")
        conditions.append(_condition(found))
        at = found.end()
        if at == len(text):
            return Query(text, tuple(conditions))
        joined = _AND.match(text, at)
        if joined is None:
            raise Malformed(f"query: expected AND at {text[at : at + 40]!r}")
        at = joined.end()


def _condition(found: re.Match[str]) -> Condition:
    tag, operator = found["tag"], found["operator"]
    if found["exists"]:
        return Condition(tag, "EXISTS", None)
    if found["text"] is not None:
        if operator not in ("=", "CONTAINS"):
            raise Malformed(f"query: expected = or CONTAINS before a text, found {operator}")
        return Condition(tag, operator, found["text"])
    if operator == "CONTAINS":
        raise Malformed("query: expected a text after CONTAINS")
    if found["number"] is not None:
        return Condition(tag, operator, Decimal(found["number"]))
    try:
        when = datetime.fromisoformat(found["when"])
    except ValueError as error:
        raise Malformed(f"query: expected a {found['kind']}, found {found['when']!r}") from error
    if found["kind"] == "TIME" and when.tzinfo is None:
        raise Malformed(f"query: expected a TIME with its zone, found {found['when']!r}")
    return Condition(tag, operator, _in_utc(when))


def _in_utc(when: datetime) -> datetime:
    """Return a time with its zone: a date has none, and means the day's beginning in UTC."""
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _compare(operator: str, left: _Ordered, right: _Ordered) -> bool:
    less, same = left < right, left == right
    return {"=": same, "<": less, "<=": less or same, ">": not (less or same), ">=": not less}[operator]
