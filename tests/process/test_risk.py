from typing import Any

import pytest
from tests.process.features.chain import POOLS, made_block, take, taken

from tidemill.process.features.book import FeatureBook
from tidemill.process.risk import PARTS, risks
from tidemill.schema import derive

BLOCK_S = 40
BLOCKS = [made_block(number, interval_s=BLOCK_S) for number in range(1, 2_250)]
IDENTITY: dict[str, Any] = {
    "event_ns": 1,
    "recv_ns": 1,
    "source": "made",
    "chain_id": 1,
    "block_number": 3_000,
    "block_hash": bytes(32),
}


def opportunity(name: bytes, hop_count: int = 2) -> dict[str, Any]:
    return IDENTITY | {"opportunity": name, "hop_count": hop_count, "token": (1).to_bytes(20, "big")}


def hop(name: bytes, at: int, pool: bytes) -> dict[str, Any]:
    token = (1 + at).to_bytes(20, "big")
    return {"opportunity": name, "hop": at, "pool": pool, "protocol": "uniswap_v2", "token_in": token}


@pytest.fixture(scope="module")
def book() -> FeatureBook:
    """A day of blocks."""
    book = FeatureBook(64)
    take(book, taken(BLOCKS))
    return book


def test_an_opportunity_s_risk_has_every_part_within_its_bounds(book: FeatureBook) -> None:
    name = b"a" * 32
    told = risks(book, [opportunity(name)], [hop(name, 1, POOLS[1]), hop(name, 0, POOLS[0])])
    assert told is not None
    [row] = derive.to_rows("opportunity_risk", told)
    assert row["risk_parts"] == 5
    assert -1 <= row["impermanent_loss_24h"] <= 0
    assert all(0 <= row[part] <= 1 for part in PARTS if part != "impermanent_loss_24h")
    safe = 1.0 + row["impermanent_loss_24h"]
    for part in ("sandwich_probability", "token_risk", "competition_risk", "execution_risk"):
        safe *= 1 - row[part]
    assert row["risk_score"] == pytest.approx(1 - safe)
    assert BLOCKS[-1].number - 64 <= row["known_block_number"] <= BLOCKS[-1].number


def test_asking_for_a_risk_changes_no_feature() -> None:
    asked, other = FeatureBook(64), FeatureBook(64)
    for one in BLOCKS[:300]:
        name = one.number.to_bytes(32, "big")
        risks(asked, [opportunity(name)], [hop(name, 0, POOLS[2]), hop(name, 1, POOLS[0])])
        assert [record.to_pylist() for record in take(asked, taken([one]))] == [
            record.to_pylist() for record in take(other, taken([one]))
        ]


def test_a_pool_of_which_nothing_is_known_has_no_part_of_its_own() -> None:
    name = b"c" * 32
    told = risks(FeatureBook(64), [opportunity(name)], [hop(name, 0, POOLS[0]), hop(name, 1, POOLS[1])])
    assert told is not None
    [row] = derive.to_rows("opportunity_risk", told)
    assert row["risk_parts"] == 0
    assert row["known_block_number"] is None
    assert all(row[part] is None for part in PARTS)


def test_an_opportunity_without_all_of_its_hops_is_not_told() -> None:
    name = b"d" * 32
    assert risks(FeatureBook(64), [opportunity(name, 3)], [hop(name, 0, POOLS[0])]) is None
