import random
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.app.recording.digest import Digest

SCHEMA = pa.schema(
    [
        pa.field("number", pa.uint64(), nullable=False),
        pa.field("hash", pa.binary(32), nullable=True),
        pa.field("name", pa.string(), nullable=False),
    ]
)


def rows(count: int, seed: int = 1) -> pa.RecordBatch:
    dice = random.Random(seed)
    return pa.RecordBatch.from_arrays(
        [
            pa.array([dice.getrandbits(60) for _ in range(count)], pa.uint64()),
            pa.array([dice.choice([None, dice.randbytes(32)]) for _ in range(count)], pa.binary(32)),
            pa.array([f"name {dice.getrandbits(12)}" for _ in range(count)], pa.string()),
        ],
        schema=SCHEMA,
    )


WHOLE = rows(10_000)


def digest_of(cuts: list[int]) -> str:
    digest = Digest()
    edges = [0, *sorted(cuts), WHOLE.num_rows]
    for start, end in pairwise(edges):
        digest.add([("swap", WHOLE.slice(start, end - start))])
    return digest.hex()


@given(st.lists(st.integers(0, WHOLE.num_rows), max_size=8))
def test_a_digest_does_not_depend_on_where_batches_were_cut(cuts):
    assert digest_of(cuts) == digest_of([])


def test_asking_in_between_changes_nothing():
    digest = Digest()
    for start in range(0, 10_000, 1_000):
        digest.add([("swap", WHOLE.slice(start, 1_000))])
        digest.hex()
    assert digest.hex() == digest_of([])
    assert digest.counts == {"swap": 10_000}


@pytest.mark.parametrize("changed", [rows(9_999), rows(10_000, seed=2)])
def test_other_rows_have_another_digest(changed):
    digest = Digest()
    digest.add([("swap", changed)])
    assert digest.hex() != digest_of([])


def test_topics_do_not_mix_and_their_order_does_not_matter():
    one, other, mixed = Digest(), Digest(), Digest()
    one.add([("swap", rows(5)), ("block", rows(7))])
    other.add([("block", rows(7)), ("swap", rows(5))])
    mixed.add([("swap", rows(7)), ("block", rows(5))])
    assert one.hex() == other.hex() != mixed.hex()
