"""How is something that is measured declared once, counted, and told in Prometheus' formats."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import choose_encoder

Labels = Sequence[str]
"""The values of a metric's labels, in their order."""


class Metric(Struct, frozen=True):
    """The declaration of one thing that is measured; its name carries its unit, as Prometheus has it."""

    name: str
    """As it is told; a counter's ends in `_total`."""
    kind: Literal["counter", "gauge", "histogram", "summary"]
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Of a histogram: its buckets' upper bounds, ascending."""


class Exposition(NamedTuple):
    """All metrics, as one answer."""

    body: bytes
    content_type: str


class Metrics:
    """What this process counts itself; what it only reads is added when it is told."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)

    def histogram(self, metric: Metric) -> Histogram:
        """Return the histogram that `metric` declares. Raises: ValueError, where it was made before."""
        return Histogram(
            metric.name, metric.help, metric.labels, buckets=metric.bounds, registry=self._registry
        )

    def told(self, read: Iterable[Family], accept: str) -> Exposition:
        """Return all that is counted, and the families that were `read` just now.

        `accept` is the header of that name: OpenMetrics where it asks for it, Prometheus' text otherwise.
        """
        encode, content_type = choose_encoder(accept)
        return Exposition(encode(_Joined(self._registry, read)), content_type)


class _Joined(CollectorRegistry):
    """One registry's families, and others."""

    def __init__(self, counted: CollectorRegistry, read: Iterable[Family]) -> None:
        super().__init__()
        self._counted = counted
        self._read = read

    def collect(self) -> Iterator[Family]:
        yield from self._counted.collect()
        yield from self._read


def counted(metric: Metric, values: Iterable[tuple[Labels, float]]) -> Family:
    """Return a counter's family with a value for each of some labels."""
    assert metric.kind == "counter"
    family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def gauged(metric: Metric, values: Iterable[tuple[Labels, float | None]]) -> Family:
    """Return a gauge's family; what is None is left out."""
    assert metric.kind == "gauge"
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, value in values:
        if value is not None:
            family.add_metric(labels, value)
    return family


def summed(metric: Metric, values: Iterable[tuple[Labels, int, float]]) -> Family:
    """Return a summary's family with count and sum for each of some labels."""
    assert metric.kind == "summary"
    family = SummaryMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, count, total in values:
        family.add_metric(labels, count, total)
    return family


def bucketed(metric: Metric, counts: Sequence[int], count: int, total: float) -> Family:
    """Return a histogram's family without labels; `counts` are how many lie below each of its bounds."""
    assert metric.kind == "histogram"
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    buckets = [(repr(bound), float(below)) for bound, below in zip(metric.bounds, counts, strict=True)]
    family.add_metric((), [*buckets, ("+Inf", float(count))], total)
    return family
