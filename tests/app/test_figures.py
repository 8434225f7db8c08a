"""Figures of texts: each is what its benchmark measured, to the digits that are written."""

import pytest

from tidemill.app.operating.figures import KEPT, Figure, Machine, Measurement, page, read_kept, unfounded

from .conftest import ROOT

ROWS = (
    Figure("asks", 4.832, "ms", 5.0, "lower", "", True),
    Figure("swaps", 35_210.0, "swaps/s", 40_000.0, "higher", "a|b", False),
)
MADE = {"reading": Measurement("58cff073d5fa", "2026-11-22", Machine("made", 2), 0.5, ROWS)}


@pytest.mark.parametrize("figure", ["4.8 ms", "4.83 ms", "5 ms", "35,210 swaps/s", "35,000 swaps/s"])
def test_a_figure_may_be_rounded(figure):
    assert not list(unfounded(f"It takes [{figure}](../benchmarks.md#reading).", MADE))


@pytest.mark.parametrize("figure", ["4.7 ms", "4.8 s", "36,000 swaps/s", "35,100 swaps/s", "35,220 swaps/s"])
def test_a_figure_that_was_not_measured_is_named(figure):
    assert list(unfounded(f"It takes [{figure}](benchmarks.md#reading).", MADE)) == [f"{figure} of reading"]


def test_a_figure_of_no_benchmark_is_named():
    assert list(unfounded("[4.8 ms](benchmarks.md#gone)", MADE)) == ["4.8 ms of gone"]


def test_the_page_says_where_it_was_measured_and_what_was_not_kept():
    made = page(MADE)
    assert "## reading\n\n2026-11-22, commit 58cff073d5, made, 2 cores, load 0.5." in made
    assert "| asks | 4.832 ms | ≤ 5 ms |  |" in made
    assert "| swaps | 35,210 swaps/s | ≥ 40,000 swaps/s, not kept | a\\|b |" in made


def test_every_figure_that_our_texts_cite_was_measured():
    kept = read_kept(ROOT / KEPT)
    texts = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert any("benchmarks.md#" in text.read_text() for text in texts)
    assert {text.name: wrong for text in texts if (wrong := list(unfounded(text.read_text(), kept)))} == {}
