"""Live, nothing goes by parameters that no ledger of trades has shown to earn more."""

from pathlib import Path

import pytest
from tests.learn.made import ledger

from tidemill.learn.parameters.chosen import chosen_agent, write_ledger_report
from tidemill.learn.parameters.outcomes import train_agent


@pytest.mark.parametrize(
    ("gain", "has_propensity", "is_used"), [(4.0, True, True), (0.0, True, False), (4.0, False, False)]
)
def test_live_goes_by_what_a_ledger_shows(
    tmp_path: Path, gain: float, has_propensity: bool, is_used: bool
) -> None:
    made = train_agent(ledger(400, gain=gain, has_propensity=has_propensity), 400, 1)
    made.agent.save(tmp_path)
    assert chosen_agent(tmp_path, is_live=True) is None, "nothing was evaluated yet"
    write_ledger_report(tmp_path, made.report)
    assert (chosen_agent(tmp_path, is_live=True) is not None) is is_used
    assert chosen_agent(tmp_path) is not None, "on paper it is tried"


def test_an_agent_that_was_taught_anew_is_not_what_was_evaluated(tmp_path: Path) -> None:
    made = train_agent(ledger(400, gain=4.0), 400, 1)
    made.agent.save(tmp_path)
    write_ledger_report(tmp_path, made.report)
    train_agent(ledger(300, gain=4.0), 300, 1).agent.save(tmp_path)
    assert chosen_agent(tmp_path, is_live=True) is None
