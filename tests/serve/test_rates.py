"""Is the last minute told, and nothing older."""

import msgspec

from tidemill.serve.rates import Rates, Recent

from .program import chain, endpoint, program, times, topic

SECOND_NS = 1_000_000_000


def at(second, events=0, durations=(), answers=0, failed=0):
    card = endpoint(answers=answers, failed=failed, lied=0, limited=0)
    return program(
        now_ns=(1000 + second) * SECOND_NS,
        topics={"swap": topic(events=events)},
        to_store=times(*durations),
        chains=(chain(endpoints={"0": card}),),
    )


def test_nothing_is_told_before_there_are_two_times():
    assert Recent().rates(at(0, 5)) == Rates(None, None, None)


def test_rates_are_what_counters_gained_since_the_oldest_time_kept():
    recent = Recent()
    recent.add(at(0, events=100, durations=(9.0,), answers=10, failed=10))
    now = at(20, events=300, durations=(9.0, 0.1, 0.2), answers=19, failed=11)
    assert recent.rates(now) == Rates(10.0, 150.0, 0.1)


def test_what_is_older_than_a_minute_no_longer_counts():
    recent = Recent()
    for second in range(0, 200, 5):
        recent.add(at(second, events=1_000 if second >= 100 else 0))
    assert recent.rates(at(200, events=1_000)).events_per_s == 0
    assert recent.rates(at(195, events=1_600)).events_per_s == 10


def test_a_lie_that_was_taken_back_makes_no_rate_negative():
    recent = Recent()
    recent.add(at(0, failed=5, answers=5))
    now = at(10, failed=4, answers=15)
    assert recent.rates(now).error_rate == 0


def test_a_state_that_a_restart_of_nothing_changed_has_no_latency():
    recent = Recent()
    recent.add(at(0, events=1))
    assert recent.rates(msgspec.structs.replace(at(10, events=1))).latency_ms is None
