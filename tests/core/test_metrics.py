"""Are declared metrics told in both formats, what is counted beside what is read."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus_text

from tidemill.core.metrics import Metric, Metrics, bucketed, counted, gauged, summed

REQUESTS = Metric("requests_seconds", "histogram", "How long.", ("route",), (0.1, 1.0))
LIES = Metric("lies_total", "counter", "How many.", ("who",))
DEPTH = Metric("depth_blocks", "gauge", "How deep.")
FORMATS = [("text/plain", prometheus_text), ("application/openmetrics-text; version=1.0.0", open_metrics)]


def values(families):
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


@pytest.mark.parametrize(("accept", "parse"), FORMATS)
def test_what_is_counted_and_what_is_read_are_told_together(accept, parse):
    metrics = Metrics()
    requests = metrics.histogram(REQUESTS)
    requests.labels("/health").observe(0.5)
    told = metrics.told([counted(LIES, [(("a",), 3)]), gauged(DEPTH, [((), 64)])], accept)
    assert told.content_type.startswith(accept.partition(";")[0])
    found = values(parse(told.body.decode()))
    assert found["lies_total", "a"] == 3
    assert found["depth_blocks",] == 64
    assert found["requests_seconds_count", "/health"] == 1
    assert found["process_cpu_seconds_total",] > 0


@pytest.mark.parametrize(("accept", "parse"), FORMATS)
@pytest.mark.parametrize(
    "label", ['a "quoted" one', "back\\slash", "two\nlines", "ws://[::1]:8546/***?***", ""]
)
def test_any_label_comes_back_as_it_was(accept, parse, label):
    told = Metrics().told([counted(LIES, [((label,), 1)])], accept)
    assert values(parse(told.body.decode()))["lies_total", label] == 1


def test_what_is_read_is_gone_with_the_next_scrape():
    metrics = Metrics()
    assert b"depth_blocks 1.0" in metrics.told([gauged(DEPTH, [((), 1)])], "").body
    assert b"depth_blocks" not in metrics.told([], "").body


def test_an_unknown_value_is_left_out():
    assert not gauged(DEPTH, [((), None)]).samples


def test_a_histogram_ends_with_all_and_a_summary_has_its_sum():
    waits = Metric("waits_seconds", "histogram", "How long.", (), (0.1, 1.0))
    found = values([bucketed(waits, [1, 2], 4, 3.5)])
    assert found["waits_seconds_bucket", "+Inf"] == found["waits_seconds_count",] == 4
    assert found["waits_seconds_bucket", "0.1"] == 1
    assert found["waits_seconds_sum",] == 3.5
    inserts = Metric("inserts_seconds", "summary", "How long.", ("topic",))
    assert values([summed(inserts, [(("swap",), 2, 0.5)])]) == {
        ("inserts_seconds_count", "swap"): 2,
        ("inserts_seconds_sum", "swap"): 0.5,
    }


def test_a_metric_is_made_once():
    metrics = Metrics()
    metrics.histogram(REQUESTS)
    with pytest.raises(ValueError, match="requests_seconds"):
        metrics.histogram(REQUESTS)
