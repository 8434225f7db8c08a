from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.execute.live.kill_switch import Engaged, KillSwitch
from tidemill.execute.live.stopping import Seen, StopLimits, reason_to_stop
from tidemill.schema.faults import Unsafe

LIMITS = StopLimits(daily_loss_max_wei=1_000, head_age_max_ms=5_000, unknown_max_ms=2_000)
NOW_NS = 10**18
GOOD = Seen(lost_today_wei=0, head_ns=NOW_NS, unknown_since_ns=None)


def test_once_engaged_it_stays_so_for_whoever_looks_until_it_is_released(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path)
    switch.check()
    switch.engage(Engaged(reason="lost too much", by="limits", event_ns=5))
    switch.engage(Engaged(reason="later", by="command"))
    other = KillSwitch(tmp_path)
    assert other.engaged == Engaged(reason="lost too much", by="limits", event_ns=5)
    with pytest.raises(Unsafe, match="engaged by limits: lost too much"):
        other.check()
    switch.release()
    other.check()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"stop it", b"\xff\xfe", b'{"reason": 5}', b"[]"])
def test_any_file_of_its_name_engages_it(tmp_path: Path, content: bytes) -> None:
    switch = KillSwitch(tmp_path)
    switch.file.write_bytes(content)
    assert switch.engaged is not None
    assert switch.engaged.by == "a file"


def test_what_cannot_be_looked_at_counts_as_engaged(tmp_path: Path) -> None:
    gone = KillSwitch(tmp_path / "gone")
    assert gone.engaged is not None
    folder = KillSwitch(tmp_path)
    folder.file.mkdir()
    assert folder.engaged is not None


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (GOOD, None),
        (Seen(lost_today_wei=999, head_ns=None, unknown_since_ns=None), None),
        (Seen(lost_today_wei=1_000, head_ns=NOW_NS, unknown_since_ns=None), "lost 1000 wei today"),
        (Seen(lost_today_wei=0, head_ns=NOW_NS - 5_001 * 10**6, unknown_since_ns=None), "is 5001 ms old"),
        (Seen(lost_today_wei=0, head_ns=NOW_NS, unknown_since_ns=NOW_NS - 2_001 * 10**6), "for 2001 ms"),
    ],
)
def test_the_first_broken_limit_stops(seen: Seen, reason: str | None) -> None:
    found = reason_to_stop(seen, LIMITS, NOW_NS)
    assert found is None if reason is None else reason in (found or "")


@given(lost_wei=st.integers(0, 2_000), age_ms=st.integers(-1_000, 9_000))
def test_more_loss_or_age_never_starts_it_again(lost_wei: int, age_ms: int) -> None:
    def stops(lost: int, age: int) -> bool:
        seen = Seen(lost_today_wei=lost, head_ns=NOW_NS - age * 10**6, unknown_since_ns=None)
        return reason_to_stop(seen, LIMITS, NOW_NS) is not None

    if stops(lost_wei, age_ms):
        assert stops(lost_wei + 1, age_ms)
        assert stops(lost_wei, age_ms + 1)
