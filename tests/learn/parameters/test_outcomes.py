"""Parameters are learned from recorded outcomes, and judged on later ones that nothing was learned from."""

from pathlib import Path

import msgspec
import pytest
from tests.learn.made import ledger

from tidemill.learn.parameters.outcomes import read_outcomes, train_agent
from tidemill.schema.faults import Malformed, Refused


def test_what_pays_is_learned_and_shown_on_later_outcomes() -> None:
    trained = train_agent(ledger(400, gain=4), episodes=600, seed=0)
    assert trained.agent.get_action("ethereum_medium_normal") == {"slippage": 1.0, "priority_fee": 2.5}
    assert trained.agent.metrics.updates == 600
    assert trained.report.followed.rows == 120
    for judged in trained.report.judged:
        assert judged.doubly_robust.mean == pytest.approx(9, abs=0.8)
        assert judged.gain.mean == pytest.approx(judged.doubly_robust.mean - trained.report.followed.mean)
        assert judged.gain.low_95 > 0
    assert "USD a decision more than what was followed" in trained.report.verdict


def test_where_nothing_pays_more_that_is_said() -> None:
    report = train_agent(ledger(400, gain=0), episodes=400, seed=0).report
    assert report.verdict.startswith("Neither policy is shown to earn more")


def test_where_nobody_knows_how_probable_choices_were_nothing_is_judged() -> None:
    report = train_agent(ledger(60, gain=4, has_propensity=False), episodes=60, seed=0).report
    assert report.judged == []
    assert report.verdict.startswith("Not judged")


def test_the_later_outcomes_do_not_change_what_is_judged_by_them() -> None:
    outcomes = ledger(100, gain=4)
    turned = [
        msgspec.structs.replace(one, reward_usd=-one.reward_usd) if at >= 70 else one
        for at, one in enumerate(outcomes)
    ]
    one, other = (train_agent(ledger_, episodes=100, seed=0).report for ledger_ in (outcomes, turned))
    assert one.judged[0].inverse_propensity.mean == pytest.approx(-other.judged[0].inverse_propensity.mean)


def test_a_ledger_is_read_in_the_order_of_time(tmp_path: Path) -> None:
    outcomes = ledger(5, gain=1)
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, reversed(outcomes))))
    assert read_outcomes(path) == outcomes


@pytest.mark.parametrize("line", [b"{", b"", b'{"state":"a"}', b"\xff", b'{"event_ns":1,"states":"b"}'])
def test_a_line_that_is_none_is_malformed_by_its_number(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(msgspec.json.encode(ledger(1, gain=0)[0]) + b"\n" + line + b"\n")
    with pytest.raises(Malformed, match=r"ledger\.jsonl:2: expected an outcome"):
        read_outcomes(path)


def test_too_few_outcomes_and_a_ledger_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="outcomes: expected 20 at least, found 3"):
        train_agent(ledger(3, gain=0), episodes=3, seed=0)
    with pytest.raises(Refused, match="expected a ledger of outcomes, found none"):
        read_outcomes(tmp_path / "none")
