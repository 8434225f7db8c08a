from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.sandbox.faults.dice import Dice
from tidemill.sandbox.faults.logs import LogDropper
from tidemill.sandbox.faults.scenario import Scenario
from tidemill.sandbox.faults.stream import Stream

from .node import answer, log_json, notice

NOTICES = [notice(log_json(n // 10, n % 10)) for n in range(2_000)]


def run(text: str, seed: int, connection: int = 1, messages=NOTICES):
    stream = Stream(Scenario.parse(text), Dice(seed), connection)
    spoilt = [stream.take(message, 0) for message in messages]
    return [m for one in spoilt for m in one.messages], [i for one in spoilt for i in one.injected], spoilt


@pytest.mark.parametrize(
    "text", ["drop=1/20", "duplicate=1/20", "reorder=1/20", "truncate=1/20", "garbage=1/20", "drop_log=1/20"]
)
def test_a_kind_happens_as_often_as_it_should_and_the_same_for_the_same_seed(text):
    said, injected, _ = run(text, 7)
    assert (said, injected) == run(text, 7)[:2]
    assert injected != run(text, 8)[1]
    assert 60 < len(injected) < 150
    assert said != NOTICES


def test_without_a_fault_every_message_is_the_very_same():
    stream = Stream(Scenario(), Dice(1), 1)
    for message in NOTICES[:50]:
        (said,) = stream.take(message, 0).messages
        assert said is message


def test_what_is_injected_is_exactly_what_is_listed():
    said, injected, _ = run("drop=1/10", 3)
    dropped = {one.message for one in injected}
    assert said == [message for n, message in enumerate(NOTICES, 1) if n not in dropped]
    said, injected, _ = run("duplicate=1/10", 3)
    twice = {one.message for one in injected}
    assert said == [m for n, message in enumerate(NOTICES, 1) for m in [message] * (1 + (n in twice))]


def test_reordered_messages_change_places_and_none_is_lost():
    said, injected, spoilt = run("reorder=1/10", 3)
    expected = list(NOTICES)
    for n in sorted(one.message for one in injected):
        if n < len(expected):
            expected[n - 1], expected[n] = expected[n], expected[n - 1]
    assert Counter(said) == Counter(expected[: len(said)])
    assert said[:100] == expected[:100]
    assert sum(one.is_held for one in spoilt) == len(injected)


def test_only_notices_wait_for_what_comes_after_them():
    answers = [answer('"0x1"', n) for n in range(500)]
    assert run("reorder=1/2", 3, messages=answers)[0] == answers


@pytest.mark.parametrize("text", ["truncate=1/1", "garbage=1/1", "truncate=1/1,garbage=1/1"])
@given(seed=st.integers())
def test_a_spoilt_message_is_text_but_never_json(text, seed):
    said, _, _ = run(text, seed, messages=NOTICES[:5])
    for message in said:
        message.decode()
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(message)


def test_delays_are_between_half_and_one_and_a_half_of_what_is_said():
    _, _, spoilt = run("slow_ms=100", 1)
    assert all(50 <= one.delay_ms < 150 for one in spoilt)
    assert len({one.delay_ms for one in spoilt}) > 1_000


def test_the_cut_comes_in_the_place_of_a_message():
    _, injected, spoilt = run("disconnect=1/50", 1)
    assert [one.is_cut for one in spoilt].count(True) == len(injected) > 10
    assert not any(one.messages for one in spoilt if one.is_cut)


def receipts(*logs_of_each: list[str]) -> str:
    each = ('{"status":"0x1", "logs": [' + ",".join(logs) + '],"gasUsed":"0x5208"}' for logs in logs_of_each)
    return "[" + ",".join(each) + "]"


def test_a_log_is_left_out_of_every_kind_of_message_that_has_it():
    drops = {(bytes(31) + b"\x05", 3), (bytes(31) + b"\x05", 4)}
    dropper = LogDropper(lambda block, index: (block, index) in drops)
    logs = [log_json(5, n) for n in range(6)]
    kept = logs[:3] + logs[5:]
    left, gone = dropper.spoil(answer("[" + ",".join(logs) + "]"))
    assert left == answer("[" + ",".join(kept) + "]")
    assert set(gone) == drops
    left, gone = dropper.spoil(answer(receipts(logs[:2], logs[2:4], [], logs[4:])))
    assert msgspec.json.decode(left) == msgspec.json.decode(
        answer(receipts(logs[:2], logs[2:3], [], logs[5:]))
    )
    assert set(gone) == drops
    one = receipts(logs[2:5])[1:-1]
    left, gone = dropper.spoil(answer(one))
    assert msgspec.json.decode(left) == msgspec.json.decode(answer(receipts(logs[2:3])[1:-1]))
    assert dropper.spoil(notice(logs[3])) == (None, [(bytes(31) + b"\x05", 3)])
    assert dropper.spoil(notice(logs[2])) == (notice(logs[2]), [])
    batch = b"[" + answer("[" + logs[3] + "]", 1) + b", " + answer('"0x1"', 2) + b"]"
    left, _ = dropper.spoil(batch)
    assert left == b"[" + answer("[]", 1) + b"," + answer('"0x1"', 2) + b"]"


@given(st.binary() | st.builds(lambda a, b: a + b'"logIndex"' + b, st.binary(), st.binary()))
def test_what_is_not_an_answer_with_logs_is_passed_as_it_is(message):
    assert LogDropper(lambda block, index: True).spoil(message) == (message, [])


@pytest.mark.parametrize(
    "message",
    [
        b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"\\"logIndex\\""}}',
        b'{"params":{"result":{"logIndex":null,"blockHash":null}}}',
        b'{"params":["logIndex"]}',
        b'{"id":1,"result":{"logIndex":"0xzz","blockHash":"0x12"}}',
        b'{"id":1,"result":["logIndex"]}',
        b'{"id":1,"result":null,"x":"logIndex", "y":{"logIndex":1}}',
    ],
)
def test_odd_messages_about_logs_are_passed_as_they_are(message):
    assert LogDropper(lambda block, index: True).spoil(message) == (message, [])


@given(
    st.integers(),
    st.integers(1, 50),
    st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.integers(0))),
)
def test_a_log_has_the_same_fate_however_it_is_asked_for(seed, one_in, identities):
    first, again = Dice(seed), Dice(seed)
    fates = {identity: first.hits(one_in, "drop_log", *identity) for identity in identities}
    assert fates == {i: again.hits(one_in, "drop_log", *i) for i in reversed(identities)}
