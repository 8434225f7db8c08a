"""Does a replay say that a recording's answers fit none of its questions, and only then."""

from pathlib import Path

import pytest
from tests.chains.driver import Driver
from tests.chains.fake_node import FakeNode

from tidemill.app.recording.replay import ReplayOptions, replay
from tidemill.app.settings import read_settings
from tidemill.chains.evm.replay import QUESTIONS
from tidemill.core.recording import Entry, Kind, Recorder

UNASKED = b'{"jsonrpc":"2.0","id":999999,"result":[]}'


@pytest.mark.parametrize(
    ("questions", "is_unasked", "expected"),
    [(1, True, ["1 of its answers tell nothing"]), (1, False, []), (QUESTIONS, True, [])],
)
async def test_a_recording_of_another_version_says_that_events_are_missing(
    tmp_path: Path, questions: int, is_unasked: bool, expected: list[str]
) -> None:
    driver = Driver(FakeNode()).open().mine(2, blocks=3)
    if is_unasked:
        driver.frame(UNASKED)
    first, *others = driver.entries
    current = f'"questions":{QUESTIONS}'.encode()
    assert current in first.data
    old = first.data.replace(current, f'"questions":{questions}'.encode())
    async with Recorder(tmp_path / "run.tidemill") as recorder:
        await recorder.append([Entry(Kind.START, first.recv_ns, "", old), *others])
    options = ReplayOptions(
        file=tmp_path / "run.tidemill",
        speed=None,
        into=None,
        form="recording",
        chain_id=None,
        pools=(),
        is_json=True,
    )
    found = await replay(read_settings(None, tmp_path / "data", {}), options)
    assert found.rows["block"] == 4  # the first is there from the beginning
    assert [fault for fault in found.faults if not any(part in fault for part in expected)] == []
    assert len(found.faults) == len(expected)
