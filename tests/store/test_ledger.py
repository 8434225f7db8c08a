"""What follows from records of coverage: by cases, and against a reference that goes block by block."""

import random
import time
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.samples import START_NS, swap
from tests.store.told import MS, Row, events, tables

from tidemill.schema.events import Proof
from tidemill.store.ledger import LEVELS, NEVER_TOLD, Ledger, summary

POOL = "pool 0x" + "ab" * 20


def ledger_of(*rows: Row) -> Ledger:
    ledger = Ledger()
    ledger.add(*tables(rows))
    return ledger


def spans(ledger: Ledger) -> list[tuple[int, int, str]]:
    return [(first, last, str(proof)) for first, last, proof in ledger.complete()]


@pytest.mark.parametrize(
    ("rows", "complete"),
    [
        ([], []),
        ([(1, 1, "complete", "claimed"), (2, 2, "complete", "claimed")], [(1, 2, "claimed")]),
        ([(2, 2, "complete", "claimed"), (1, 1, "complete", "claimed")], [(1, 2, "claimed")]),
        (
            [(1, 1, "complete", "claimed"), (2, 2, "complete", "bloom")],
            [(1, 1, "claimed"), (2, 2, "bloom")],
        ),
        (
            [(1, 3, "complete", "claimed"), (2, 2, "complete", "bloom")],
            [(1, 1, "claimed"), (2, 2, "bloom"), (3, 3, "claimed")],
        ),
        (
            [(2, 2, "complete", "agreed"), (1, 3, "complete", "bloom")],
            [(1, 1, "bloom"), (2, 2, "agreed"), (3, 3, "bloom")],
        ),
        ([(1, 3, "complete", "claimed"), (1, 3, "repaired", "receipts_root")], [(1, 3, "receipts_root")]),
        ([(1, 9, "complete", "bloom"), (3, 4, "gap")], [(1, 2, "bloom"), (5, 9, "bloom")]),
        ([(3, 4, "gap"), (1, 9, "complete", "bloom")], [(1, 9, "bloom")]),
        (
            [(1, 3, "complete", "agreed"), (2, 2, "gap"), (2, 2, "repaired", "claimed")],
            [(1, 1, "agreed"), (2, 2, "claimed"), (3, 3, "agreed")],
        ),
        ([(1, 3, "complete", "agreed"), (3, 3, "reverted")], [(1, 2, "agreed")]),
        (
            [(1, 3, "complete", "agreed"), (2, 3, "reverted"), (2, 2, "complete", "claimed")],
            [(1, 1, "agreed"), (2, 2, "claimed")],
        ),
    ],
)  # fmt: skip
def test_the_strongest_record_since_a_block_was_lost_counts(rows, complete):
    assert spans(ledger_of(*rows)) == complete


def test_a_gap_is_closed_when_its_last_block_comes():
    rows = [
        (1, 4, "complete", "claimed"),
        (5, 9, "gap", "none", "all endpoints are down"),
        (7, 9, "complete", "claimed"),
        (5, 5, "complete", "claimed"),
        (6, 6, "repaired", "claimed", "read again"),
        (7, 7, "repaired", "bloom"),
    ]
    open_one = ledger_of(*rows[:4])
    assert [(gap.closed_ns, gap.lasted_ms) for gap in open_one.gaps()] == [(None, None)]
    assert open_one.missing() == ((6, 6, "all endpoints are down", None),)
    (gap,) = ledger_of(*rows).gaps()
    assert (gap.from_block, gap.to_block, gap.block_count, gap.cause) == (5, 9, 5, "all endpoints are down")
    assert (gap.noticed_ns, gap.closed_ns) == (START_NS + MS, START_NS + 4 * MS)
    assert (gap.lasted_ms, gap.closed_by) == (3, "read again")


def test_a_gap_that_opens_again_is_another_gap():
    one = (5, 6, "gap", "none", "the answer lacked a log")
    back = (5, 6, "repaired", "claimed")
    gaps = ledger_of(one, back, one).gaps()
    assert [gap.closed_ns is None for gap in gaps] == [False, True]
    assert [gap.closed_ns is None for gap in ledger_of(one, back, one, back).gaps()] == [False, False]


def test_an_open_gap_that_is_told_again_grows_and_another_cause_is_another_gap():
    gaps = ledger_of(
        (5, 6, "gap", "none", "a"), (6, 9, "gap", "none", "a"), (8, 9, "gap", "none", "b")
    ).gaps()
    assert [(gap.from_block, gap.to_block, gap.cause) for gap in gaps] == [(5, 9, "a"), (8, 9, "b")]


def test_what_was_never_told_is_missing_between_what_is_known_and_outside_of_it_where_asked():
    ledger = ledger_of((5, 6, "complete", "claimed"), (9, 9, "complete", "bloom"))
    assert ledger.missing() == ((7, 8, NEVER_TOLD, None),)
    assert [lack[:2] for lack in ledger.missing(1, 12)] == [(1, 4), (7, 8), (10, 12)]
    assert [lack[:2] for lack in ledger.missing(level=Proof.BLOOM)] == [(5, 6), (7, 8)]
    assert ledger.missing(level=Proof.BLOOM)[0].proof == Proof.CLAIMED
    assert ledger.is_complete(5, 6)
    assert ledger.is_complete(5, 6, Proof.CLAIMED)
    assert not ledger.is_complete(5, 6, Proof.BLOOM)
    assert not ledger.is_complete(4, 6)
    assert not ledger.is_complete(5, 9)


def test_a_pool_whose_state_is_not_known_is_a_gap_of_its_own_and_takes_no_block():
    rows = [
        (1, 9, "complete", "bloom"),
        (9, 9, "gap", "none", f"{POOL}: its ticks are not known"),
        (10, 10, "complete", "bloom"),
        (10, 10, "repaired", "none", f"{POOL}: read anew after block 10"),
    ]
    before, after = ledger_of(*rows[:3]), ledger_of(*rows)
    assert spans(before) == spans(after) == [(1, 10, "bloom")]
    assert [(gap.pool, gap.closed_ns is None) for gap in before.gaps()] == [(POOL[5:], True)]
    assert [(gap.pool, gap.lasted_ms) for gap in after.gaps()] == [(POOL[5:], 2)]


def test_a_ledger_in_a_few_numbers():
    rows = [(1, 9, "complete", "bloom"), (10, 11, "gap", "none", "down"), (14, 14, "complete", "claimed")]
    assert summary(ledger_of(*rows)) == {
        "from_block": 1,
        "to_block": 14,
        "complete_blocks": {"claimed": 1, "bloom": 9},
        "missing_blocks": 4,
        "open_gaps": 1,
        "closed_gaps": 0,
        "last_gap": "down",
    }
    assert summary(Ledger())["from_block"] is None


# --- against a reference


class Known(NamedTuple):
    blocks: dict[int, Any]
    gaps: list[list[Any]]


def block_by_block(rows: list[Row]) -> Known:
    """Fold the rows the plain way: one block of one record at a time."""
    blocks: dict[int, Any] = {}
    gaps: list[list[Any]] = []
    left: dict[int, set[int]] = {}
    for at_ms, (first, last, status, proof, cause) in enumerate(rows):
        numbers = range(first, last + 1)
        if status == "reverted":
            for number in numbers:
                if isinstance(blocks.get(number), int):
                    del blocks[number]
        elif status == "gap":
            same = (i for i in left if gaps[i][2] == cause and gaps[i][0] <= last and first <= gaps[i][1])
            index = next(same, None)
            if index is None:
                index = len(gaps)
                gaps.append([first, last, cause, at_ms, None, None])
                left[index] = set()
            gaps[index][:2] = min(gaps[index][0], first), max(gaps[index][1], last)
            left[index] |= set(numbers)
            blocks.update((number, cause) for number in numbers)
        else:
            strength = LEVELS.index(Proof(proof))
            for number in numbers:
                known = blocks.get(number)
                blocks[number] = max(known, strength) if isinstance(known, int) else strength
            for index in list(left):
                left[index] -= set(numbers)
                if not left[index]:
                    del left[index]
                    gaps[index][4:] = [at_ms, cause]
    return Known(blocks, gaps)


def walked(ledger: Ledger) -> dict[int, Any]:
    """Return what the ledger says of every block."""
    found: dict[int, Any] = {}
    for first, last, proof in ledger.complete():
        found.update((number, LEVELS.index(proof)) for number in range(first, last + 1))
    for first, last, cause, _ in ledger.missing():
        if cause != NEVER_TOLD:
            found.update((number, cause) for number in range(first, last + 1))
    return found


def told_gaps(ledger: Ledger) -> list[list[Any]]:
    def ms(at_ns: int | None) -> int | None:
        return None if at_ns is None else (at_ns - START_NS) // MS

    return [
        [gap.from_block, gap.to_block, gap.cause, ms(gap.noticed_ns), ms(gap.closed_ns), gap.closed_by]
        for gap in ledger.gaps()
    ]


PROVEN = [str(proof) for proof in LEVELS[1:3]]
FIRSTS = st.integers(0, 30)
LENGTHS = st.integers(0, 6)
SEALED = st.tuples(
    FIRSTS, LENGTHS, st.sampled_from(["complete", "repaired"]), st.sampled_from(PROVEN), st.sampled_from("xy")
)
LOST = st.tuples(
    FIRSTS, LENGTHS, st.sampled_from(["gap", "reverted"]), st.just("none"), st.sampled_from("pq")
)
CHAINS = st.tuples(FIRSTS, st.integers(1, 20), st.just("blocks"), st.sampled_from(PROVEN), st.just("x"))


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Draw records, with blocks one by one among them, as a follower tells them."""
    rows: list[Row] = []
    for first, length, status, proof, cause in draw(st.lists(SEALED | LOST | CHAINS, max_size=12)):
        if status == "blocks":
            rows += [(number, number, "complete", proof, cause) for number in range(first, first + length)]
        else:
            rows.append((first, first + length, status, proof, cause))
    return rows


@given(histories(), st.integers(0, 40))
def test_the_fold_of_whole_columns_is_that_of_single_blocks(rows: list[Row], cut: int):
    expected = block_by_block(rows)
    whole = ledger_of(*rows)
    assert walked(whole) == expected.blocks
    assert told_gaps(whole) == expected.gaps
    in_two = Ledger()
    coverage, reorgs = tables(rows)
    edge = pa.scalar(START_NS + cut * MS, pa.timestamp("ns", "UTC"))
    for keep in (lambda t: t.filter(later(t, edge, False)), lambda t: t.filter(later(t, edge, True))):
        in_two.add(keep(coverage), keep(reorgs))
    assert walked(in_two) == expected.blocks
    assert told_gaps(in_two) == expected.gaps


def later(table: pa.Table, edge: pa.Scalar, is_later: bool) -> pa.Array:
    return pa.array([(at.value >= edge.value) is is_later for at in table.column("recv_ns")], pa.bool_())


@given(histories())
def test_events_one_by_one_lead_to_the_same(rows: list[Row]):
    ledger = Ledger()
    told, lost = events(rows)
    ledger.tell(sorted([*lost, *told], key=lambda event: event.recv_ns))
    ledger.tell([swap(1)])
    assert walked(ledger) == block_by_block(rows).blocks
    assert told_gaps(ledger) == block_by_block(rows).gaps


@given(histories(), st.randoms())
def test_the_order_of_rows_in_a_table_does_not_matter(rows: list[Row], dice: random.Random):
    coverage, reorgs = tables(rows)
    places = list(range(coverage.num_rows))
    dice.shuffle(places)
    ledger = Ledger()
    ledger.add(coverage.take(pa.array(places, pa.int64())), reorgs)
    assert walked(ledger) == block_by_block(rows).blocks


def test_a_million_blocks_are_folded_within_a_second():
    count = 1_000_000
    numbers = pa.array(range(count), pa.uint64())
    rows = {
        "recv_ns": pa.array(range(count), pa.int64()).cast(pa.timestamp("ns", "UTC")),
        "sequence": numbers,
        "from_block": numbers,
        "to_block": numbers,
        "status": pa.array(["complete"] * count),
        "proof": pa.array(["receipts_root"] * count),
        "cause": pa.array(["eth_getLogs by block hash"] * count),
    }
    table, ledger = pa.table(rows), Ledger()
    begun_s = time.process_time()
    ledger.add(table)
    assert time.process_time() - begun_s < 1
    assert spans(ledger) == [(0, count - 1, "receipts_root")]
