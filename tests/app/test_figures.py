"""Figures of texts: each is what its benchmark measured, and none that was measured is typed by hand."""

import re

import pytest

from tidemill.app.operating.figures import KEPT, Figure, Machine, Measurement, filled, page, read_kept
from tidemill.schema.faults import Refused

from .conftest import ROOT

ROWS = (
    Figure("asks", 4.832, "ms", 5.0, "lower", "", True),
    Figure("swaps", 35_210.0, "swaps/s", 40_000.0, "higher", "a|b", False),
    Figure("gains", -0.0451, "USD", None, "higher", "", None),
)
MADE = {"reading": Measurement("58cff073d5fa", "2026-11-22", Machine("made", 2), 0.5, ROWS)}
TEXTS = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/guide").glob("*.md")]
_LINK = re.compile(r"\[[^\]]*\]\([^)]*benchmarks\.md#[^)]*\)")
_FIGURE = re.compile(r"\b[0-9][0-9.,]* ?(?:ms|µs|ns|s|MB|MiB|GB|kB|\w+/s|\w+ a second)\b")
_MEASURED = re.compile(
    r"\b(measured|median|percentile|p50|p99|processor time|of CPU|resident|busy machine"
    r"|(?:shared|same|two|2) cores)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    ("what", "told"), [("asks", "4.8 ms"), ("swaps", "35,000 swaps/s"), ("gains", "-0.045 USD")]
)
def test_a_figure_is_written_as_it_was_measured(what, told):
    text = f'It takes [1 year](../benchmarks.md#reading "{what}"), or so.'
    assert filled(text, MADE) == f'It takes [{told}](../benchmarks.md#reading "{what}"), or so.'
    assert filled(filled(text, MADE), MADE) == filled(text, MADE)


def test_a_figure_of_a_benchmark_that_was_not_kept_is_none():
    assert filled('[4.8 ms](benchmarks.md#gone "asks")', MADE).startswith("[not measured yet](")


def test_a_row_that_its_benchmark_has_not_is_refused():
    with pytest.raises(Refused, match="reading: expected one of 'asks', 'swaps', 'gains', found 'asks, p99'"):
        filled('[4.8 ms](benchmarks.md#reading "asks, p99")', MADE)


def test_the_page_says_where_it_was_measured_and_what_was_not_kept():
    made = page(MADE)
    assert "## reading\n\n2026-11-22, commit 58cff073d5, made, 2 cores, load 0.5." in made
    assert "| asks | 4.832 ms | ≤ 5 ms |  |" in made
    assert "| swaps | 35,210 swaps/s | ≥ 40,000 swaps/s, not kept | a\\|b |" in made


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_a_figure_that_was_measured_leads_to_its_benchmark(text):
    if text.stem == "benchmarks":
        pytest.skip("it is the benchmarks")
    for paragraph in re.split(r"\n\s*\n", _LINK.sub("", text.read_text())):
        sentences = re.split(r"(?<=[.;:])\s", paragraph)
        wrong = [one for one in sentences if _FIGURE.search(one) and _MEASURED.search(one)]
        assert not wrong, wrong


def test_every_benchmark_that_is_cited_is_there():
    cited = {name for text in TEXTS for name in re.findall(r"benchmarks\.md#([\w-]+)", text.read_text())}
    assert cited
    assert cited <= {module.stem for module in (ROOT / "benchmarks").glob("*.py")}
    assert read_kept(ROOT / KEPT)
