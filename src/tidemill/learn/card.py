"""What was trained, on what, and how good is it: a model card for people."""

from collections.abc import Iterator
from datetime import UTC, datetime

from tidemill.learn.gas.model_files import Metadata
from tidemill.learn.parameters.episodes import EpisodesReport
from tidemill.learn.parameters.outcomes import AgentReport

_NS_PER_S = 1_000_000_000
_IMPORTANCES = 10


def card(metadata: Metadata, agent: AgentReport | None) -> str:
    """Return the card in Markdown."""
    return "\n".join([*_data(metadata), *_scores(metadata), *_importances(metadata), *_agent(agent)]) + "\n"


def _data(metadata: Metadata) -> Iterator[str]:
    options = metadata.options
    step_s = metadata.step_ns / _NS_PER_S
    yield f"# Gas forecaster{f' of {metadata.chain}' if metadata.chain else ''}\n"
    yield f"{metadata.report.verdict}\n"
    yield f"- Data: {_time(metadata.first_ns)} to {_time(metadata.end_ns)}, steps of {step_s:g} s."
    yield f"- A gas price in {metadata.steps_known} of {metadata.steps} steps; {metadata.examples} examples."
    yield f"- Forecast: {options.horizon_steps} steps ({options.horizon_steps * step_s:g} s) on."
    yield f"- Rising or falling: by more than {options.threshold:.2%}; stable otherwise."
    yield f"- Seed {options.fit.seed}, {options.fit.trees} trees a quantile.\n"


def _scores(metadata: Metadata) -> Iterator[str]:
    yield f"## On later time: the mean of {metadata.options.folds} walk-forward folds\n"
    yield "| predictor | MAE gwei | MSE gwei² | R² | pinball | in 90 % | accuracy | Brier |"
    yield "|---|---|---|---|---|---|---|---|"
    for line in metadata.report.lines:
        one = line.mean
        r2 = "" if one.r2 is None else f"{one.r2:.3f}"
        yield (
            f"| {line.predictor} | {one.mae_gwei:.4g} | {one.mse_gwei2:.4g} | {r2} | {one.pinball:.4f} | "
            f"{one.coverage_90:.1%} | {one.accuracy:.1%} | {one.brier:.3f} |"
        )
    yield ""
    for name, why in metadata.report.not_compared.items():
        yield f"- {name} is not compared: {why}."


def _importances(metadata: Metadata) -> Iterator[str]:
    for learner, shares in metadata.importances.items():
        yield f"\n## What {learner} asks, as a share of its splits\n"
        yield from (f"- {name}: {share:.1%}" for name, share in list(shares.items())[:_IMPORTANCES])


def _agent(agent: AgentReport | None) -> Iterator[str]:
    if agent is None:
        return
    yield "\n# Parameters of trades\n"
    yield f"{agent.verdict}\n"
    yield f"- Data: {agent.outcomes} outcomes, {_time(agent.first_ns)} to {_time(agent.end_ns)}."
    yield f"- Held out: {agent.followed.rows} decisions, which earned {agent.followed.mean:.4g} USD each.\n"
    if agent.judged:
        yield "| policy | inverse propensity, USD | doubly robust, USD | gain, USD (95 %) | effective rows |"
        yield "|---|---|---|---|---|"
    for one in agent.judged:
        gain = one.gain
        yield (
            f"| {one.policy} | {one.inverse_propensity.mean:.4g} | {one.doubly_robust.mean:.4g} | "
            f"{gain.mean:.4g} ({gain.low_95:.4g} to {gain.high_95:.4g}) | {gain.effective_rows:.1f} |"
        )


def episodes_card(report: EpisodesReport) -> str:
    """Return the card of what was learned on the sandbox, in Markdown."""
    return "\n".join(_episodes(report)) + "\n"


def _episodes(report: EpisodesReport) -> Iterator[str]:
    fixed = report.fixed
    yield "# Parameters of trades, learned on the sandbox\n"
    yield f"{report.verdict}\n"
    yield f"- Learned from {report.trained_episodes} episodes, judged by {report.judged_episodes} others."
    yield f"- Fixed: slippage {fixed['slippage']} %, priority fee {fixed['priority_fee']} gwei."
    yield f"- Seed {report.seed}. An episode's reward: profit less gas, of a transaction among others'.\n"
    yield "| policy | USD an episode | went through | over fixed, USD (95 %, paired bootstrap) |"
    yield "|---|---|---|---|"
    for line in report.lines:
        gain = line.gain
        told = "" if gain is None else f"{gain.mean:.4g} ({gain.low_95:.4g} to {gain.high_95:.4g})"
        share = line.successes / report.judged_episodes
        yield f"| {line.policy} | {line.reward.mean:.4g} | {share:.1%} | {told} |"
    if not report.seeds:
        return
    yield "\nEach seed's episodes alone, over fixed, USD (95 %, paired bootstrap):\n"
    names = list(report.seeds[0].gains)
    yield f"| seed | {' | '.join(names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for one in report.seeds:
        cells = [f"{gain.mean:.4g} ({gain.low_95:.4g} to {gain.high_95:.4g})" for gain in one.gains.values()]
        yield f"| {one.seed} | {' | '.join(cells)} |"


def _time(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / _NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M")
