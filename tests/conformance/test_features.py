"""What is asked of every feature: what it is, its bounds, silence while it is not warm, no look ahead."""

import json
import math

import pyarrow as pa
import pytest
from tests.process.features.chain import made_block, taken

from tidemill._rust import FeatureEngine
from tidemill.process.features.book import RECORD, FeatureBook
from tidemill.process.features.plan import plan_of, window_of
from tidemill.process.features.words import MEASURES, ROLES
from tidemill.schema import derive
from tidemill.schema.features import FEATURES, Feature

IDS = [one.name for one in FEATURES]
_BLOCK_S = 40
"""Long blocks, so that the longest window fills within some hundreds of them."""
_BLOCKS = 2_400
_SEED = 4
"""With arbitrages in the first blocks, which must be silent."""


@pytest.fixture(scope="module")
def records() -> pa.Table:
    """A day and some hours of records."""
    book = FeatureBook(64)
    blocks = [made_block(number, _SEED, interval_s=_BLOCK_S, rows=9) for number in range(1, _BLOCKS)]
    return pa.Table.from_batches(book.take(taken(blocks)), derive.arrow_schema(RECORD))


def test_there_are_more_than_seventy_in_every_group() -> None:
    assert len(FEATURES) > 70
    assert {str(one.group) for one in FEATURES} == {"price", "volume", "network", "risk", "competition"}


def test_every_measure_that_is_named_is_there() -> None:
    made_of = [role.source for role in ROLES.values()]
    assert set(made_of) <= set(MEASURES)
    plan = json.loads(plan_of())
    measured = {(one["source"], track["measure"]) for one in plan["series"] for track in one["tracks"]}
    assert measured <= {(source, name) for source, names in MEASURES.items() for name in names}


@pytest.mark.parametrize("feature", FEATURES, ids=IDS)
def test_a_feature_says_what_it_is(feature: Feature) -> None:
    assert feature.meaning.endswith(".")
    assert feature.unit
    assert feature.source


@pytest.mark.parametrize("feature", FEATURES, ids=IDS)
def test_a_feature_is_there_and_within_its_bounds(feature: Feature, records: pa.Table) -> None:
    values = [value for value in records.column(feature.name).to_pylist() if value is not None]
    assert values, "expected it to be there after a day"
    assert all(math.isfinite(value) for value in values)
    assert feature.least is None or min(values) >= feature.least
    assert feature.most is None or max(values) <= feature.most


@pytest.mark.parametrize("feature", FEATURES, ids=IDS)
def test_a_feature_is_silent_until_it_is_warm(feature: Feature, records: pa.Table) -> None:
    if not (warm_up_s := window_of(feature)) or set(feature.formula.split("(")) & {"otherwise", "known"}:
        return
    if not _waits(feature):
        return
    times = [ns // 10**9 for ns in records.column("event_ns").cast(pa.int64()).to_pylist()]
    began_s = (
        made_block(1, _SEED, interval_s=_BLOCK_S)
        .batches["block"]
        .column("event_ns")
        .cast(pa.int64())[0]
        .as_py()
    )
    early = [
        value
        for at, value in zip(times, records.column(feature.name).to_pylist(), strict=True)
        if at < began_s // 10**9 + warm_up_s
    ]
    assert early
    assert all(value is None for value in early)


def _waits(feature: Feature) -> bool:
    """Say whether it has a statistic that waits: the last of a window does not."""
    named = [one for one in FEATURES if one.name in feature.formula]
    statistics = {
        "count",
        "sum",
        "mean",
        "std",
        "min",
        "max",
        "first",
        "rises",
        "falls",
        "squares",
        "quantile",
    }
    return any(f"{one}(" in feature.formula for one in statistics) and "otherwise" not in str(named)


def test_an_engine_that_has_seen_nothing_tells_nothing() -> None:
    engine = FeatureEngine(plan_of())
    asked = next(
        batch for number in range(1, 10) if (batch := made_block(number).batches.get("arbitrage")) is not None
    )
    [record] = engine.run([("arbitrage", asked)], 0)
    told = {one.name for one in FEATURES if record.column(one.name).null_count < record.num_rows}
    facts = {one.name for one in FEATURES if not window_of(one)}
    assert told <= facts | {"risk_parts"}
