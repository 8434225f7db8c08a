import random
from itertools import pairwise

import pyarrow as pa
import pytest

from tidemill.process.features.book import RECORD, FeatureBook, Taken
from tidemill.schema import derive
from tidemill.schema.events import ReorgKind
from tidemill.schema.features import FEATURES

from .chain import MadeBlock, made_block, reorg_batch, take, taken

NAMES = [one.name for one in FEATURES]


def rows_of(records: list[pa.RecordBatch]) -> dict[str, tuple[object, ...]]:
    """Return the features by transaction; each is told once."""
    table = pa.Table.from_batches(records, schema=derive.arrow_schema(RECORD))
    rows = {row["tx_hash"]: tuple(row[name] for name in NAMES) for row in table.to_pylist()}
    assert len(rows) == table.num_rows
    return rows


def told(blocks: list[MadeBlock], late_blocks_max: int = 8) -> dict[str, tuple[object, ...]]:
    """Return what one block after the other gives."""
    book = FeatureBook(late_blocks_max)
    return rows_of([record for one in blocks for record in take(book, taken([one]))])


BLOCKS = [made_block(number) for number in range(100, 340)]
EXPECTED = told(BLOCKS)


def test_features_are_there_once_their_windows_are_full() -> None:
    last = list(EXPECTED.values())[-40:]
    there = {name for row in last for name, value in zip(NAMES, row, strict=True) if value is not None}
    day = {one.name for one in FEATURES if "h24" in one.formula}
    assert there >= {name for name in NAMES if name not in day and "risk" not in name and "24h" not in name}


@pytest.mark.parametrize("size", [1, 7, 100, 1_000])
def test_batches_of_any_size_give_the_same_to_the_bit(size: int) -> None:
    book = FeatureBook(8)
    records = [
        record
        for start in range(0, len(BLOCKS), size)
        for record in take(book, taken(BLOCKS[start : start + size]))
    ]
    assert rows_of(records) == EXPECTED


def test_blocks_that_come_late_within_the_bound_are_placed_right() -> None:
    dice = random.Random(4)
    order = sorted(BLOCKS, key=lambda one: one.number + dice.uniform(0, 7))
    assert order != BLOCKS
    book = FeatureBook(8)
    for one in order:
        take(book, taken([one]))
    assert book.corrections > 0
    assert book.too_late_rows == 0
    after = [made_block(number) for number in range(340, 350)]
    # what was told before a late block came could not know of it; what is told after it does
    found = rows_of([record for one in after for record in take(book, taken([one]))])
    expected = told([*BLOCKS, *after])
    assert found
    assert all(row == expected[tx] for tx, row in found.items())


@pytest.mark.parametrize("beside", [("block",), ("block", "swap", "pool_state")])
def test_what_is_late_each_time_keeps_no_checkpoint_back(beside: tuple[str, ...]) -> None:
    book = FeatureBook(8)

    def of(blocks: list[MadeBlock], *topics: str) -> list[Taken]:
        return [event for event in taken(blocks) if event.topic in topics]

    for before, one in pairwise(BLOCKS):
        take(book, [*of([before], *beside), *of([one], "arbitrage")])
        assert one.number < BLOCKS[48].number or book.checkpoint_block >= one.number - 48
    assert book.corrections > len(BLOCKS) / 3
    assert book.too_late_rows == 0
    after = [made_block(number) for number in (340, 341)]
    take(book, of([BLOCKS[-1], after[0]], *beside))
    found = rows_of(take(book, of(after[1:], *beside, "arbitrage")))
    quiet = [MadeBlock(one.number, _only(one, *beside, "arbitrage")) for one in (*BLOCKS, *after)]
    expected = told(quiet)
    assert found == {tx: expected[tx] for tx in _txs(after[1])} != {}


def _only(block: MadeBlock, *topics: str) -> dict[str, pa.RecordBatch]:
    return {topic: batch for topic, batch in block.batches.items() if topic in topics}


def _txs(block: MadeBlock) -> list[str]:
    batch = block.batches.get("arbitrage")
    return [] if batch is None else batch.column("tx_hash").to_pylist()


def test_what_comes_too_late_is_told_without_features_and_counted() -> None:
    late = next(one for one in BLOCKS[1:] if "arbitrage" in one.batches)
    book = FeatureBook(8)
    for one in BLOCKS:
        if one is not late:
            take(book, taken([one]))
    found = rows_of(take(book, taken([late])))
    assert list(found) == _txs(late)
    assert all(value is None for row in found.values() for value in row)
    assert book.too_late_rows == sum(batch.num_rows for batch in late.batches.values())


def test_arbitrages_that_come_after_their_block_s_other_events_are_told_the_same() -> None:
    book = FeatureBook(8)
    records: list[pa.RecordBatch] = []
    for one in BLOCKS:
        events = taken([one])
        take(book, [event for event in events if event.topic != "arbitrage"])
        records += take(book, [event for event in events if event.topic == "arbitrage"])
    assert book.corrections == 0
    assert rows_of(records) == EXPECTED


def test_a_block_that_a_reorg_took_away_leaves_nothing_behind() -> None:
    book = FeatureBook(8)
    records: list[pa.RecordBatch] = []
    for one in BLOCKS[:200]:
        records += take(book, taken([one]))
    gone = [made_block(number, branch=1) for number in range(300, 304)]
    for one in gone:
        take(book, taken([one]))
    for one in gone:
        book.revert(reorg_batch(one.number, ReorgKind.REVERTED, branch=1), 0)
    for one in BLOCKS[200:]:
        records += take(book, taken([one]))
    assert rows_of(records) == EXPECTED


def test_arbitrages_that_come_after_their_block_was_taken_away_leave_nothing_behind() -> None:
    book = FeatureBook(8)
    records = [record for one in BLOCKS[:200] for record in take(book, taken([one]))]
    gone = [made_block(number, branch=1) for number in range(300, 304)]
    for one in gone:
        book.revert(reorg_batch(one.number, ReorgKind.REVERTED, branch=1), 0)
    late = [event for event in taken(gone) if event.topic == "arbitrage"]
    records += take(book, [*late, *taken(BLOCKS[200:210])])
    records += [record for one in BLOCKS[210:] for record in take(book, taken([one]))]
    found = rows_of(records)
    orphans = [tx for one in gone for tx in _txs(one)]
    assert all(value is None for tx in orphans for value in found.pop(tx))
    assert orphans
    assert found == EXPECTED


def test_a_book_that_is_settled_holds_nothing_and_goes_on_the_same() -> None:
    book = FeatureBook(8)
    records = [record for one in BLOCKS[:200] for record in take(book, taken([one]))]
    assert book.needed()
    book.settle()
    assert book.needed() == {}
    assert book.checkpoint_block == BLOCKS[199].number
    records += [record for one in BLOCKS[200:] for record in take(book, taken([one]))]
    assert rows_of(records) == EXPECTED


def test_a_block_that_came_back_counts_again() -> None:
    book = FeatureBook(8)
    records = [record for one in BLOCKS[:200] for record in take(book, taken([one]))]
    book.revert(reorg_batch(299, ReorgKind.REVERTED), 0)
    book.revert(reorg_batch(299, ReorgKind.RESTORED, sequence=2), 0)
    records += [record for one in BLOCKS[200:] for record in take(book, taken([one]))]
    assert rows_of(records) == EXPECTED


@pytest.mark.parametrize("at", [1, 50, 117, 239])
def test_a_book_taken_up_from_its_checkpoint_goes_on_the_same(at: int) -> None:
    first = FeatureBook(8)
    records = [
        record for number, one in enumerate(BLOCKS[:at]) for record in take(first, taken([one], number))
    ]
    second = FeatureBook(8)
    second.load(first.checkpoint())
    begin = min(first.needed().values(), default=at)
    assert begin >= at - 24
    for number, one in enumerate(BLOCKS[begin:], begin):
        records += take(second, [event._replace(is_told=number < at) for event in taken([one], number)])
    assert rows_of(records) == EXPECTED
    assert second.too_late_rows == 0


def test_what_comes_later_changes_no_feature() -> None:
    changed = [*BLOCKS[:150], *(made_block(number, seed=9) for number in range(250, 340))]
    found = told(changed)
    early = [tx for one in BLOCKS[:150] for tx in _txs(one)]
    assert early
    assert all(found[tx] == EXPECTED[tx] for tx in early)


def test_what_comes_later_in_the_same_block_changes_no_feature() -> None:
    block = next(one for one in BLOCKS[100:] if "arbitrage" in one.batches)
    at = BLOCKS.index(block)
    first = min(block.batches["arbitrage"].column("tx_index").to_pylist())
    swaps = block.batches["swap"]
    kept = swaps.filter(pa.array([index < first for index in swaps.column("tx_index").to_pylist()]))
    assert kept.num_rows < swaps.num_rows
    batches = {topic: batch for topic, batch in block.batches.items() if topic == "arbitrage"}
    batches["swap"] = kept
    cut = told([*BLOCKS[:at], MadeBlock(block.number, batches)])
    assert cut[_txs(block)[0]] == EXPECTED[_txs(block)[0]]


def test_a_batch_without_rows_is_nothing() -> None:
    empty = pa.RecordBatch.from_pylist([], derive.arrow_schema("swap"))
    assert take(FeatureBook(8), [Taken("swap", 0, empty)]) == []
