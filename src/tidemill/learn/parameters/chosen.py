"""Which learned parameters may be used: those of who was shown to earn more, or of what a ledger taught."""

from pathlib import Path

from tidemill.learn.json_files import read_json, to_json, write_file
from tidemill.learn.parameters.agent import Agent
from tidemill.learn.parameters.episodes import EpisodesReport
from tidemill.learn.parameters.q_learning import Q_TABLE, QLearningAgent
from tidemill.learn.parameters.thompson import ThompsonAgent

REPORT = "parameters_report.json"


def write_report(data: Path, report: EpisodesReport) -> Path:
    """Write how policies did in episodes, and return where."""
    return write_file(data / REPORT, to_json(report))


def chosen_agent(data: Path) -> Agent | None:
    """Return the agent to go by; None: keep to the defaults, for nothing was learned or shown to be better.

    Of episodes, the policy whose gain is the greatest of those whose interval is above zero. Without a report
    of episodes, what a ledger taught.

    Raises: Malformed, where a file is not what was written.
    """
    if not (data / REPORT).exists():
        return QLearningAgent(data) if (data / Q_TABLE).exists() else None
    better = [
        (line.gain.mean, line.policy)
        for line in read_json(data / REPORT, EpisodesReport).lines
        if line.gain is not None and line.gain.low_95 > 0
    ]
    if not better:
        return None
    return ThompsonAgent.load(data) if max(better)[1] == "thompson" else QLearningAgent(data)
