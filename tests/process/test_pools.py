import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill._rust import Head, Logs
from tidemill.process.pools import Applied, Batches, PoolBook
from tidemill.schema import derive
from tidemill.schema.faults import Malformed, Unsafe

from .chainlogs import FACTORY, Said, created, head, logs_of, swap, sync

PAIR, OTHER = b"\xaa" * 20, b"\xbb" * 20


def new_book(window_blocks: int = 256) -> PoolBook:
    return PoolBook("test", 1, [FACTORY], window_blocks)


def rows_of(batches: Batches, topic: str) -> list[dict]:
    return [row for name, batch in batches if name == topic for row in derive.to_rows(topic, batch)]


def seal(book: PoolBook, block: Head, said: list[Said]) -> None:
    book.seal([block], logs_of(block, said), [block.number * 1000])


class Kept:
    """What a bus would hold of a book: its events by topic, and its state."""

    def __init__(self) -> None:
        self.state: dict[bytes, bytes] = {}
        self.rows: dict[str, list[dict]] = {}

    def take(self, applied: Applied) -> None:
        for key, value in applied.state.items():
            if value is None:
                self.state.pop(key, None)
            else:
                self.state[key] = value
        for topic, batch in applied.batches:
            self.rows.setdefault(topic, []).extend(derive.to_rows(topic, batch))


def test_a_block_gives_its_events_and_the_state_of_its_pools():
    book = new_book()
    seal(book, head(1), [created(PAIR), sync(PAIR, 1000, 2000), swap(PAIR, 10, 19)])
    batches, state, faults = book.take()
    assert faults == []
    (block,) = rows_of(batches, "block")
    assert (block["block_number"], block["log_count"], block["base_fee_wei"]) == (1, 3, 7)
    (pool,) = rows_of(batches, "pool")
    assert (pool["pool"], pool["dex"], pool["fee_ppm"]) == (PAIR, "uniswap", 3000)
    (moved,) = rows_of(batches, "pool_state")
    assert (moved["reserve0"], moved["reserve1"], moved["cause"], moved["log_index"]) == (
        1000,
        2000,
        "log",
        1,
    )
    (traded,) = rows_of(batches, "swap")
    assert (traded["amount0_in"], traded["amount1_out"], traded["recv_ns"]) == (10, 19, 1000)
    assert all(key.startswith(b"pools/test/") for key in state)
    assert book.take() == Applied([], {}, [])


def test_a_reverted_block_leaves_the_pools_as_they_were_and_says_so():
    book, kept = new_book(), Kept()
    seal(book, head(1), [created(PAIR), sync(PAIR, 1000, 2000)])
    kept.take(book.take())
    before = dict(kept.state)
    seal(book, head(2), [sync(PAIR, 1010, 1981), created(OTHER), sync(OTHER, 5, 5)])
    kept.take(book.take())
    book.revert(head(2), recv_ns=77, sequence=3)
    taken = book.take()
    kept.take(taken)
    assert kept.state == before
    assert book.pools.addresses() == [PAIR]
    (corrected,) = rows_of(taken.batches, "pool_state")
    assert (corrected["pool"], corrected["cause"], corrected["sequence"]) == (PAIR, "reorg", 3)
    assert (corrected["reserve0"], corrected["reserve1"]) == (1000, 2000)
    assert (corrected["block_number"], corrected["block_hash"]) == (1, head(1).hash)
    assert corrected["event_ns"] == head(1).timestamp_s * 10**9
    assert corrected["log_index"] is None


def test_a_restored_block_has_its_effects_and_no_second_events():
    book, kept = new_book(), Kept()
    said = [sync(PAIR, 1010, 1981), swap(PAIR, 10, 19)]
    seal(book, head(1), [created(PAIR), sync(PAIR, 1000, 2000)])
    seal(book, head(2), said)
    kept.take(book.take())
    after = dict(kept.state)
    book.revert(head(2), 77, 1)
    book.restore(head(2), logs_of(head(2), said), 78)
    taken = book.take()
    kept.take(taken)
    assert kept.state == after
    assert book.pools.get(PAIR).reserve0 == 1010
    assert [topic for topic, _ in taken.batches] == ["pool_state"]
    assert rows_of(taken.batches, "pool_state")[0]["cause"] == "reorg"


def test_a_log_that_was_not_known_before_is_told_when_its_block_is_restored():
    book = new_book()
    said = [sync(PAIR, 1010, 1981), swap(PAIR, 10, 19)]
    seal(book, head(1), [created(PAIR), sync(PAIR, 1000, 2000)])
    seal(book, head(2), said[:1])
    book.revert(head(2), 77, 1)
    book.take()
    book.restore(head(2), logs_of(head(2), said), 78, new_log_indexes=[1])
    assert [row["log_index"] for row in rows_of(book.take().batches, "swap")] == [1]


def test_a_block_past_the_window_cannot_be_reverted():
    book = new_book(window_blocks=2)
    for number in range(1, 5):
        seal(book, head(number), [])
    book.revert(head(4), 0, 1)
    book.revert(head(3), 0, 2)
    with pytest.raises(Unsafe, match="expected to know how to undo block 2"):
        book.revert(head(2), 0, 3)


def test_a_malformed_log_of_a_known_pool_is_left_out_and_told():
    book = new_book()
    pair, topics, data = sync(PAIR, 1, 1)
    seal(book, head(1), [created(PAIR), (pair, topics, data[:-1]), sync(PAIR, 3, 4)])
    taken = book.take()
    assert len(rows_of(taken.batches, "pool_state")) == 1
    (fault,) = taken.faults
    assert isinstance(fault, Malformed)
    assert "block 1, log 1" in str(fault)


def test_a_state_of_something_else_is_malformed():
    with pytest.raises(Malformed):
        new_book().load([(b"pools/test/undo/zz", b"\xff")])


class History:
    """A made-up chain with reorgs: what happened to it, in order."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        self.happened: list[tuple] = []
        canonical: list[tuple[Head, list[Said]]] = []
        gone: dict[bytes, list[Said]] = {}
        sequence = 0
        for turn in range(40):
            if len(canonical) > 3 and dice.random() < 0.25:
                for _ in range(dice.randint(1, 3)):
                    block, said = canonical.pop()
                    gone[block.hash] = said
                    sequence += 1
                    self.happened.append(("revert", block, turn, sequence))
                if dice.random() < 0.3:  # it comes back
                    parent = canonical[-1][0].hash if canonical else None
                    for one, kind in [(e[1], e[0]) for e in self.happened]:
                        if kind == "revert" and one.parent_hash == parent and one.hash in gone:
                            said = gone.pop(one.hash)
                            self.happened.append(("restore", one, logs_of(one, said), turn))
                            canonical.append((one, said))
                            break
                continue
            number = canonical[-1][0].number + 1 if canonical else 1
            block = Head(
                number=number,
                hash=dice.randbytes(32),
                parent_hash=canonical[-1][0].hash if canonical else bytes(32),
                timestamp_s=1_700_000_000 + turn,
                gas_used=1,
                gas_limit=2,
            )
            said = [
                sync(p, dice.randint(1, 2**112 - 1), dice.randint(1, 9))
                for p in dice.choices([PAIR, OTHER], k=3)
            ]
            if number == 1:
                said = [created(PAIR), created(OTHER), *said]
            canonical.append((block, said))
            self.happened.append(("seal", block, logs_of(block, said), turn))


def play(book: PoolBook, happened: Sequence[tuple]) -> None:
    for kind, *rest in happened:
        match kind:
            case "seal":
                block, logs, recv_ns = rest
                book.seal([block], logs, [recv_ns])
            case "revert":
                book.revert(*rest)
            case "restore":
                book.restore(*rest)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 39), max_size=6), st.booleans())
def test_neither_grouping_nor_restarts_change_events_or_state(seed: int, cuts: list[int], restart: bool):
    happened = History(seed).happened
    whole, cut = Kept(), Kept()
    book = new_book()
    play(book, happened)
    whole.take(book.take())
    book = new_book()
    edges = [0, *sorted(cuts), len(happened)]
    for start, end in pairwise(edges):
        play(book, happened[start:end])
        cut.take(book.take())
        if restart:
            book = new_book()
            book.load(cut.state.items())
    assert cut.rows == whole.rows
    assert cut.state == whole.state


def test_what_is_kept_stays_small_however_long_the_chain():
    book, kept = new_book(window_blocks=8), Kept()
    seal(book, head(1), [created(PAIR), sync(PAIR, 1, 1)])
    for number in range(2, 100):
        seal(book, head(number), [sync(PAIR, number, number)])
        kept.take(book.take())
    assert sum(b"/undo/" in key for key in kept.state) == 8
    empty = Logs()
    book.seal([head(number) for number in range(100, 200)], empty, list(range(100)))
    kept.take(book.take())
    assert sum(b"/undo/" in key for key in kept.state) == 8
