"""Does each example of the guide to additions do what it says, as it stands on the page."""

import json
import re
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from tests.app.conftest import ROOT
from tests.store.samples import swap

from tidemill.bus.intake import Message
from tidemill.export.exporter import Rows
from tidemill.process.features.plan import plan_of
from tidemill.schema import derive
from tidemill.schema.faults import Malformed
from tidemill.schema.features import FEATURES
from tidemill.venues.base import Origin, Venue

PAGE = (ROOT / "docs/guide/extending.md").read_text()


def example(heading: str) -> dict[str, Any]:
    """Return what the Python below a heading of the page defines."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^```python\n(.*?)^```", section, re.M | re.S)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(block, f"extending.md: {heading}", "exec"), names)
    return names


def test_the_venue_maps_its_frame_and_refuses_a_damaged_one():
    venue = example("A venue")["VENUE"]
    assert isinstance(venue, Venue)
    origin = Origin(source="exchange", chain_id=0, dex="", connection="c", first_sequence=7)
    frame = json.dumps(
        {"s": "BTC-USD", "p": "64000.5", "q": "0.25", "T": 1_700_000_000_000, "m": True}
    ).encode()
    (trade,) = venue.map_frame("trade", frame, origin, 1).events
    (row,) = derive.to_rows("trade", derive.to_batch([trade]))
    assert [row["instrument"], str(row["taker_side"]), row["sequence"]] == ["BTC-USD", "sell", 7]
    for end in range(len(frame)):
        with pytest.raises(Malformed):
            venue.map_frame("trade", frame[:end], origin, 1)


def test_the_feature_has_words_that_the_plan_knows():
    (feature,) = example("A feature")["FEATURES"]
    assert feature.name not in {one.name for one in FEATURES}
    assert json.loads(plan_of([feature]))["facts"] == ["base_fee_gwei"]


def test_the_format_writes_a_line_for_each_row():
    exporter = example("A format of exports")["EXPORTER"]
    batch = derive.to_batch([swap(number) for number in range(3)])
    lines = b"".join(exporter.export(Rows("swap", [batch]))).decode().splitlines()
    assert len(lines) == 2 + 3
    assert {line.count("|") for line in lines} == {len(batch.schema.names) + 1}


async def test_the_processor_forwards_what_is_large():
    processor = example("A processor")["PROCESSOR"]()
    forwarded = []

    async def forward(topic: str, batch: pa.RecordBatch) -> None:
        forwarded.append((topic, batch.num_rows))

    processor.bind(forward)
    swaps = [swap(1), msgspec.structs.replace(swap(2), amount0_in=2 * 10**18)]
    await processor.process(Message("swap", "swap", 0, derive.to_batch(swaps), b""))
    await processor.process(Message("swap", "swap", 1, derive.to_batch([swap(3)]), b""))
    assert forwarded == [("large_swap", 1)]


def test_what_the_page_says_of_pool_types_is_in_the_code():
    section = PAGE.partition("## A pool type\n")[2].partition("\n## ")[0]
    shortest = (ROOT / "crates/tidemill-pools/src/uniswap_v2.rs").read_text()
    for name in ("created", "observe", "quote", "swap", "encode_state", "encode_part", "decode_part"):
        assert f"`{name}`" in section
        assert f"fn {name}(" in shortest
    assert "pools![" in (ROOT / "crates/tidemill-pools/src/lib.rs").read_text()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:src|tests|crates|docs)/[\w/.-]+)`", PAGE))))
def test_every_file_that_the_page_names_is_there(path):
    if "NAME" not in path:
        assert (ROOT / path).exists()
