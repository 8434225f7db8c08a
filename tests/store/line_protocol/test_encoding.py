"""Whatever text an event has is read back exactly by the rules of line protocol, or is left out by name."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.market import START_NS, top, trade
from tests.store.samples import swap

from tidemill.schema import derive
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Malformed
from tidemill.store.line_protocol.encoding import lines_of, point

TEXT = st.text(st.characters(codec="utf-8")) | st.text('\\,= "#a\n', max_size=6)


class Reader:
    """Reads a line from left to right, by the rules of the reference."""

    def __init__(self, line):
        self._text = line.decode()
        self._at = 0

    def until(self, ends, escaped):
        """Return what comes before one of `ends`, and which; a backslash escapes those of `escaped`."""
        found = ""
        while self._at < len(self._text):
            one, after = self._text[self._at], self._text[self._at + 1 : self._at + 2]
            if one == "\\" and after and after in escaped:
                found += after
                self._at += 2
            elif one in ends:
                self._at += 1
                return found, one
            else:
                found += one
                self._at += 1
        return found, ""

    def value(self):
        """Return a field's value, and what came after it."""
        if self._text[self._at] != '"':
            return self.until(", ", "")
        self._at += 1
        text, _ = self.until('"', '"\\')
        self._at += 1
        return text, self._text[self._at - 1]


def read(line):
    """Return measurement, tags, fields and time of a line."""
    reader, tags, fields = Reader(line), {}, {}
    measurement, end = reader.until(", ", ", ")
    while end == ",":
        name, _ = reader.until("=", ",= ")
        tags[name], end = reader.until(", ", ",= ")
    while end != "" and (end == "," or not fields):
        name, _ = reader.until("=", ",= ")
        fields[name], end = reader.value()
    time, _ = reader.until("", "")
    return measurement, tags, fields, int(time)


@given(TEXT, st.dictionaries(TEXT, TEXT, max_size=3), st.dictionaries(TEXT, TEXT, min_size=1, max_size=3))
def test_a_line_is_read_as_it_was_meant_or_is_not_written(measurement, tags, fields):
    try:
        line = point(measurement, tags, fields, 7)
    except Malformed:
        names = [measurement, *fields, *(name for name, value in tags.items() if value)]
        values = [value for value in tags.values() if value]
        assert measurement.startswith("#") or any(
            not one or one.endswith("\\") or "\n" in one for one in [*names, *values]
        )
        return
    told = {name: value for name, value in tags.items() if value}
    assert read(line) == (measurement, told, fields, 7)


@given(st.integers(), st.floats(), st.decimals(allow_nan=False, allow_infinity=False, places=18))
def test_numbers_are_exact_or_left_out(whole, real, exact):
    if not -(1 << 63) <= whole < 1 << 63:
        with pytest.raises(Malformed, match="64 bits"):
            point("m", {}, {"f": whole}, 1)
    else:
        assert read(point("m", {}, {"f": whole}, 1))[2] == {"f": f"{whole}i"}
    assert Decimal(read(point("m", {}, {"f": exact}, 1))[2]["f"]) == exact
    told = read(point("m", {}, {"f": real, "g": 1}, 1))[2]
    assert float(told["f"]) == real if math.isfinite(real) else "f" not in told


def test_a_trade_is_a_point_with_its_names_as_tags():
    (line,) = lines_of("trade", derive.to_batch([trade(3, instrument="SEI/USDC, old=1")])).lines
    measurement, tags, fields, time_ns = read(line)
    assert measurement == "trade"
    assert tags == {"source": "fair", "instrument": "SEI/USDC, old=1", "taker_side": "buy"}
    assert [fields["price"], fields["size"], fields["trade_id"]] == ["3.54", "100", "t3"]
    assert fields["event_ns"] == f"{START_NS + 3_000_000}i"
    assert time_ns == START_NS + 3_000_000 + 3 * 1024
    assert "market" not in fields


def test_trades_of_the_same_moment_are_points_of_their_own():
    same = [trade(1, sequence=sequence, row=row) for sequence in range(30) for row in range(30)]
    lines = lines_of("trade", derive.to_batch(same)).lines
    times = [read(line)[3] for line in lines]
    assert len(set(times)) == len(same)
    assert times == sorted(times)
    assert {time_ns // 1_000_000 for time_ns in times} == {(START_NS + 1_000_000) // 1_000_000}


def test_a_row_that_cannot_be_carried_is_left_out_alone():
    found = lines_of("book_top", derive.to_batch([top(1), top(2, instrument="a\\"), top(3)]))
    assert len(found.lines) == 2
    assert [str(fault) for fault in found.faults] == [
        "expected a name or tag that line protocol can carry, found 'a\\\\'"
    ]


def test_events_of_chains_are_points_too():
    (line,) = lines_of("swap", derive.to_batch([swap(5)])).lines
    measurement, tags, fields, _ = read(line)
    assert (measurement, tags) == ("swap", {"source": "sandbox", "protocol": "uniswap_v3", "dex": "uniswap"})
    assert fields["pool"] == "0x" + (5 % 3).to_bytes(20, "big").hex()


@pytest.mark.parametrize("topic", EVENTS)
def test_every_event_has_a_tag_and_a_time(topic):
    names = {column.name for column in derive.columns(topic)}
    assert {"source", "event_ns"} <= names
