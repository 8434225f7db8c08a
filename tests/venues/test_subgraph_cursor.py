"""Does a cursor tell every swap of a subgraph once, and take back what a reorg took."""

from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st

from tidemill.core.clock import NS_PER_S
from tidemill.schema.events import SubgraphSwap, SubgraphSwapKind
from tidemill.venues.subgraph import Head
from tidemill.venues.subgraph_cursor import Cursor

REREAD_S = 40


def swap(swap_id, number, at_s):
    return SubgraphSwap(
        event_ns=at_s * NS_PER_S,
        recv_ns=1,
        source="s",
        chain_id=1,
        dex="d",
        swap_id=swap_id,
        kind=SubgraphSwapKind.TOLD,
        as_of_block=number,
        block_number=number,
        tx_hash=b"t" * 32,
        pool=b"p" * 20,
        token_in=b"a" * 20,
        token_out=b"b" * 20,
        amount_in=2**256 - 1,
        amount_out=2**200,
    )


class Indexer:
    """A chain whose newest blocks can be replaced; several blocks may share a second."""

    def __init__(self):
        self.blocks, self.made = [], 0
        self.grow(1, 1)

    def grow(self, step_s, swaps):
        number = len(self.blocks)
        at_s = (self.blocks[-1][1] if self.blocks else 1_000) + step_s
        ids = [f"{self.made + index}" for index in range(swaps)]
        self.made += max(1, swaps)
        self.blocks.append((number, at_s, ids, f"{self.made}".encode()))

    def reorg(self, depth):
        kept = self.blocks[-1][1] - REREAD_S // 2
        while depth and len(self.blocks) > 1 and self.blocks[-1][1] >= kept:
            self.blocks.pop()
            depth -= 1

    @property
    def head(self):
        number, at_s, _, block_hash = self.blocks[-1]
        return Head(number, block_hash, at_s, False)

    def swaps(self, window=None):
        return [
            swap(swap_id, number, at_s)
            for number, at_s, ids, _ in self.blocks
            for swap_id in ids
            if window is None or window.from_s <= at_s <= window.to_s
        ]


def read(cursor, indexer):
    """Read all that is new; return it."""
    told, head = [], indexer.head
    if not cursor.is_behind(head):
        return told
    while not cursor.is_done(head):
        window = cursor.window(head)
        told += cursor.take(window, head, indexer.swaps(window))
    return told


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grow"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("reorg"), st.integers(1, 5), st.integers(0, 2)),
        st.tuples(st.just("read"), st.booleans(), st.just(0)),
    ),
    max_size=50,
)


@given(STEPS, st.integers(1, 20))
@example([("grow", 3, 1), ("grow", 3, 1), ("read", False, 0), ("reorg", 2, 0)], 20)
def test_what_is_told_and_not_taken_back_is_what_the_indexer_has(steps, window_s):
    indexer, cursor, standing = Indexer(), Cursor(REREAD_S, window_s), Counter()
    cursor.begin(1_000)
    for kind, one, two in [*steps, ("grow", 1, 1), ("read", True, 0)]:
        match kind:
            case "grow":
                indexer.grow(one, two)
            case "reorg":
                indexer.reorg(one)
                for _ in range(one + 1):
                    indexer.grow(1, two)
            case _:
                for event in read(cursor, indexer):
                    standing[event.swap_id, event.block_number] += (
                        1 if event.kind is SubgraphSwapKind.TOLD else -1
                    )
                if one:  # a restart changes nothing
                    kept, cursor = cursor.dump(), Cursor(REREAD_S, window_s)
                    cursor.load(kept)
                assert set(standing.values()) <= {0, 1}
    expected = Counter((one.swap_id, one.block_number) for one in indexer.swaps())
    assert +standing == expected


def test_a_head_that_is_older_than_what_was_read_is_no_reorg():
    indexer, cursor = Indexer(), Cursor(REREAD_S, 600)
    cursor.begin(1_000)
    for _ in range(5):
        indexer.grow(1, 1)
    assert len(read(cursor, indexer)) == 6
    behind = Head(3, b"x", 1_004, False)
    assert not cursor.is_behind(behind)


def test_what_another_told_is_not_told_again():
    indexer, cursor = Indexer(), Cursor(REREAD_S, 600)
    cursor.begin(1_000)
    for _ in range(4):
        indexer.grow(0, 1)  # all in one second
    read(cursor, indexer)
    for _ in range(4):
        indexer.grow(0, 1)
    number, at_s, _, _ = indexer.blocks[6]
    cursor.skip(number, at_s)
    assert [event.block_number for event in read(cursor, indexer)] == [7, 8]


def test_a_window_that_was_not_taken_leaves_the_cursor_where_it_was():
    indexer, cursor = Indexer(), Cursor(REREAD_S, 600)
    cursor.begin(1_000)
    copied = cursor.copy()
    window = copied.window(indexer.head)
    assert len(copied.take(window, indexer.head, indexer.swaps(window))) == 1
    assert len(read(cursor, indexer)) == 1
