"""Which learned parameters may be used: those of who was shown to earn more, or of what a ledger taught."""

import hashlib
from pathlib import Path

from msgspec import Struct

from tidemill.learn.json_files import read_json, to_json, write_file
from tidemill.learn.parameters.agent import Agent
from tidemill.learn.parameters.episodes import EpisodesReport
from tidemill.learn.parameters.outcomes import Q_LEARNING, AgentReport
from tidemill.learn.parameters.q_learning import Q_TABLE, QLearningAgent
from tidemill.learn.parameters.thompson import ThompsonAgent
from tidemill.schema.faults import Malformed

REPORT = "parameters_report.json"
LEDGER_REPORT = "ledger_report.json"


class LedgerReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How policies would have done by an execution ledger, and which agent learned from all of it."""

    report: AgentReport
    q_table_sha256: str


def write_report(data: Path, report: EpisodesReport) -> Path:
    """Write how policies did in episodes, and return where."""
    return write_file(data / REPORT, to_json(report))


def write_ledger_report(data: Path, report: AgentReport) -> Path:
    """Write how policies did by a ledger, beside the agent that was saved of it, and return where."""
    told = LedgerReport(report=report, q_table_sha256=_digest(data / Q_TABLE))
    return write_file(data / LEDGER_REPORT, to_json(told))


def chosen_agent(data: Path, *, is_live: bool = False) -> Agent | None:
    """Return the agent to go by; None: keep to the defaults, for nothing was learned or shown to be better.

    Of episodes, the policy whose gain is the greatest of those whose interval is above zero. Without a report
    of episodes, what a ledger taught. Live, only what a ledger taught, and only where its off-policy
    evaluation has an interval above zero.

    Raises: Malformed, where a file is not what was written.
    """
    if is_live:
        return QLearningAgent(data) if _is_shown_by_ledger(data) else None
    if not (data / REPORT).exists():
        return QLearningAgent(data) if (data / Q_TABLE).exists() else None
    better = [
        (line.gain.mean, line.policy)
        for line in read_json(data / REPORT, EpisodesReport).lines
        if line.gain is not None and line.gain.low_95 > 0
    ]
    if not better:
        return None
    if max(better)[1] == "thompson":
        return ThompsonAgent.load(data)
    if not (data / Q_TABLE).exists():
        raise Malformed(f"{data / Q_TABLE}: expected it, found none; train anew")
    return QLearningAgent(data)


def _is_shown_by_ledger(data: Path) -> bool:
    if not (data / LEDGER_REPORT).exists() or not (data / Q_TABLE).exists():
        return False
    told = read_json(data / LEDGER_REPORT, LedgerReport)
    is_same = told.q_table_sha256 == _digest(data / Q_TABLE)  # nothing else taught the agent since
    return is_same and any(one.policy == Q_LEARNING and one.gain.low_95 > 0 for one in told.report.judged)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
