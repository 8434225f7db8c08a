"""What is final comes once, in order, and never from a block that left the chain."""

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tests.store.samples import block, reorg, swap, wallet_trade

from tidemill.process.finality import Batches, Finality
from tidemill.schema import derive
from tidemill.schema.events import ReorgKind

DEPTH = 3


def block_batches(number: int, branch: int = 0) -> Batches:
    name = (1_000 * branch + number).to_bytes(32, "big")
    sealed = derive.to_batch([block(number)])
    rows = derive.to_batch([swap(4 * number + at, block_hash=name) for at in range(2)])
    at = sealed.schema.get_field_index("block_hash")
    sealed = sealed.set_column(at, sealed.schema.field(at), pa.array([name], sealed.schema.field(at).type))
    return [("block", sealed), ("swap", rows)]


def moved(number: int, branch: int, kind: ReorgKind) -> Batches:
    return [("reorg", derive.to_batch([reorg(1_000 * branch + number, kind, 0)]))]


def names(batches: Batches) -> list[tuple[str, int, int]]:
    return [
        (topic, row["block_number"], int.from_bytes(row["block_hash"], "big"))
        for topic, batch in batches
        for row in derive.to_rows(topic, pa.Table.from_batches([batch]))
    ]


def numbered(event: Any, number: int) -> Any:
    at = event.schema.get_field_index("block_number")
    return event.set_column(at, event.schema.field(at), pa.array([number], event.schema.field(at).type))


def told(number: int, branch: int, kind: ReorgKind) -> Batches:
    [(topic, batch)] = moved(number, branch, kind)
    return [(topic, numbered(batch, number))]


def test_a_block_is_final_once_enough_follow() -> None:
    finality = Finality(DEPTH)
    assert [names(finality.add(block_batches(number))) for number in range(3)] == [[], [], []]
    assert names(finality.add(block_batches(3))) == [("block", 0, 0), ("swap", 0, 0), ("swap", 0, 0)]
    assert finality.held_blocks == 3


def test_a_block_that_left_is_never_told_and_one_that_came_back_is() -> None:
    finality = Finality(DEPTH)
    for number in range(3):
        finality.add(block_batches(number))
    finality.add(told(2, 0, ReorgKind.REVERTED))
    finality.add(block_batches(2, branch=1))
    finality.add(told(2, 1, ReorgKind.REVERTED))
    finality.add(told(2, 0, ReorgKind.RESTORED))
    final = [name for number in range(3, 7) for name in names(finality.add(block_batches(number)))]
    assert [key for topic, _, key in final if topic == "block"] == [0, 1, 2, 3]
    assert finality.held_blocks == DEPTH


def test_what_belongs_to_no_block_is_final_at_once() -> None:
    token = pa.RecordBatch.from_pydict({"a": [1]})
    assert Finality(DEPTH).add([("health", token)]) == [("health", token)]


@given(st.lists(st.integers(0, DEPTH), min_size=1, max_size=30))
def test_any_reorgs_that_are_not_too_deep_give_the_canonical_chain(depths: list[int]) -> None:
    finality, chain, final = Finality(DEPTH), list[tuple[int, int]](), list[int]()
    for branch, depth in enumerate(depths):
        for _ in range(min(depth, len(chain) - len(final))):
            number, old = chain.pop()
            final += [key for topic, _, key in names(finality.add(told(number, old, ReorgKind.REVERTED)))]
        for _ in range(depth + 1):
            number = len(chain)
            chain.append((number, branch))
            batches = names(finality.add(block_batches(number, branch)))
            final += [key for topic, _, key in batches if topic == "block"]
    assert final == [1_000 * branch + number for number, branch in chain[: len(final)]]
    assert len(final) >= len(chain) - DEPTH - 1


def test_rows_without_a_block_are_final_at_once_beside_those_that_wait() -> None:
    told = [wallet_trade(0), wallet_trade(1, block_number=0, block_hash=bytes(32))]
    finality = Finality(DEPTH)
    [(topic, batch)] = finality.add([("wallet_trade", derive.to_batch(told))])
    assert (topic, batch.column("row").to_pylist()) == ("wallet_trade", [0])
    held = [one for number in range(4) for one in finality.add(block_batches(number))]
    assert [batch.column("row").to_pylist() for topic, batch in held if topic == "wallet_trade"] == [[1]]
