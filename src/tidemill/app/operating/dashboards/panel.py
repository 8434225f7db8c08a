"""What is said of a dashboard and of each of its panels."""

from typing import Literal, NamedTuple

Unit = Literal["short", "ops", "reqps", "s", "bytes", "percentunit", "bool_yes_no"]
"""Grafana's names of units."""


class Panel(NamedTuple):
    """One question, and the PromQL that answers it."""

    title: str
    unit: Unit
    expression: str
    legend: str = "{{source}}"
    needs: str | None = None
    """What there must be besides a chain that is read for it to have data; None: nothing."""
    kind: Literal["lines", "number"] = "lines"


class Dashboard(NamedTuple):
    """Panels in their order; `name` is its file's and its address'."""

    name: str
    title: str
    about: str
    panels: tuple[Panel, ...]


def rate(metric: str, by: str = "source", where: str = "") -> str:
    """Return how much a counter rises a second, summed by a label."""
    return f"sum by ({by}) (rate({metric}{where}[$__rate_interval]))"


def quantile(metric: str, share: float) -> str:
    """Return the latency, in seconds, below which `share` of a histogram's observations are."""
    return f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket[$__rate_interval])))"


def mean(metric: str, by: str) -> str:
    """Return the mean of a histogram's or summary's observations, by a label."""
    return f"{rate(f'{metric}_sum', by)} / {rate(f'{metric}_count', by)}"
