from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.sandbox.faults.scenario import KINDS, PRESETS, Scenario, table
from tidemill.sandbox.faults.spelling import Every, Reorg, Span
from tidemill.schema.faults import Refused

one_in = st.integers(1, 10**12)
spans = st.builds(Span, st.integers(0, 10**9), st.integers(1, 10**9))
names = st.lists(st.from_regex(r"[a-z]{2,5}_[A-Za-z]{1,20}", fullmatch=True), min_size=1, unique=True)
scenarios = st.builds(
    Scenario,
    drop_log=st.none() | one_in,
    drop=st.none() | one_in,
    duplicate=st.none() | one_in,
    reorder=st.none() | one_in,
    truncate=st.none() | one_in,
    garbage=st.none() | one_in,
    disconnect=st.none() | one_in | st.builds(Every, st.integers(1, 10**9)),
    freeze=st.none() | spans,
    refuse=st.none() | spans,
    slow_ms=st.none() | st.integers(1, 10**9),
    limit=st.none() | st.integers(1, 10**8),
    stale=st.none() | st.integers(1, 10**9),
    wrong_fork=st.none() | one_in,
    wrong_chain=st.none() | st.integers(1, 10**9),
    no_method=st.none() | names.map(lambda found: tuple(sorted(found))),
    reorg=st.none() | st.builds(Reorg, st.integers(1, 10**5), st.integers(1, 10**9)),
)


@given(scenarios.filter(lambda scenario: scenario != Scenario()))
def test_what_is_written_is_read_as_the_same(scenario):
    assert Scenario.parse(str(scenario)) == scenario


@given(st.text() | st.from_regex(r"([a-z_]{1,9}=[0-9/s.]{1,8},?)+", fullmatch=True))
def test_any_text_is_a_scenario_or_refused(text):
    try:
        scenario = Scenario.parse(text)
    except Refused:
        return
    assert Scenario.parse(str(scenario)) == scenario


def test_seconds_may_be_written_with_or_without_their_unit():
    assert (
        Scenario.parse("freeze=5/2.5s")
        == Scenario.parse("freeze=5s/2.5")
        == Scenario(freeze=Span(5000, 2500))
    )


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_short_for_its_text(name):
    assert Scenario.parse(name) == Scenario.parse(PRESETS[name])


def test_later_items_override_a_preset():
    assert Scenario.parse("lossy,drop=1/7") == Scenario(drop_log=100, drop=7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dropp=1/10", "scenario dropp='1/10': expected a kind of drop_log, drop, duplicate,"),
        ("drop=10", "scenario drop='10': expected drop=1/N, found '10'"),
        ("drop=1/0", "scenario drop='1/0': expected drop=1/N"),
        ("freeze=5s", "scenario freeze='5s': expected freeze=AFTERs/FORs"),
        ("freeze=5s/0s", "scenario freeze='5s/0s': expected freeze=AFTERs/FORs"),
        ("limit=fast", "scenario limit='fast': expected limit=N/s"),
        ("disconnect=10", "scenario disconnect='10': expected disconnect=1/N or Xs"),
        ("no_method=", "scenario no_method='': expected no_method=NAME[+NAME]"),
        ("no_method=a+a", "expected no_method=NAME[+NAME]"),
        ("reorg=3", "scenario reorg='3': expected reorg=DEPTH/EVERYs"),
        ("drop=1/2,drop=1/3", "scenario drop='1/3': expected each kind once"),
        ("terrible", "scenario 'terrible': expected kind=value items joined by commas, or a preset of lossy"),
        ("", "scenario '': expected kind=value items"),
        ("drop=1/2,lossy", "scenario lossy='': expected a kind of"),
    ],
)
def test_what_is_not_a_scenario_is_refused_with_key_value_and_what_was_expected(text, said):
    with pytest.raises(Refused) as refused:
        Scenario.parse(text)
    assert said in str(refused.value)


def test_every_kind_is_a_field_and_says_what_it_does():
    assert set(KINDS) == set(Scenario.__struct_fields__)
    assert all(kind.meaning for kind in KINDS.values())


def test_the_guide_lists_every_kind_and_preset():
    guide = Path(__file__).resolve().parents[3] / "docs" / "guide" / "emulator.md"
    assert table() in guide.read_text()
