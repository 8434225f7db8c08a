"""Is every message of both subprotocols understood, and is what is not one told and passed over."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.core.clock import NS_PER_MS
from tidemill.core.graphql import (
    Conversation,
    Ended,
    GraphqlLimits,
    Next,
    Subprotocol,
    Unread,
    data_of,
    fault_of_close,
)
from tidemill.schema.faults import Fault, Malformed, Refused, Unreachable

MODERN, LEGACY = Subprotocol.TRANSPORT_WS, Subprotocol.LEGACY
LIMITS = GraphqlLimits()


def begun(subprotocol, *, is_acknowledged=True):
    conversation = Conversation(subprotocol, "ws://x", LIMITS)
    conversation.begin(0)
    if is_acknowledged:
        hear(conversation, {"type": "connection_ack"})
        conversation.take_outgoing()
    return conversation


def hear(conversation, message, recv_ns=0):
    frame = message if isinstance(message, bytes) else msgspec.json.encode(message)
    return list(conversation.hear(frame, recv_ns))


def said(conversation):
    return [msgspec.json.decode(frame) for frame in conversation.take_outgoing()]


@pytest.mark.parametrize(
    ("subprotocol", "start", "data", "stop"),
    [(MODERN, "subscribe", "next", "complete"), (LEGACY, "start", "data", "stop")],
)
def test_each_subprotocol_has_its_own_words_for_the_same_operation(subprotocol, start, data, stop):
    conversation = begun(subprotocol)
    one, two = conversation.ask("{ a }"), conversation.ask("{ b }")
    assert said(conversation) == [
        {"type": start, "id": one, "payload": {"query": "{ a }"}},
        {"type": start, "id": two, "payload": {"query": "{ b }"}},
    ]
    result = {"data": {"a": 1}}
    (heard,) = hear(conversation, {"type": data, "id": one, "payload": result}, 7)
    assert isinstance(heard, Next)
    assert (heard.operation, msgspec.json.decode(heard.result), heard.recv_ns) == (one, result, 7)
    assert hear(conversation, {"type": "complete", "id": one}) == [Ended(one)]
    conversation.end(two)
    assert said(conversation) == [{"type": stop, "id": two}]
    assert hear(conversation, {"type": data, "id": two, "payload": {}}) == [], "it was on its way"
    assert conversation.operations == ()


@pytest.mark.parametrize("subprotocol", list(Subprotocol))
def test_operations_wait_for_the_acknowledgement(subprotocol):
    conversation = begun(subprotocol, is_acknowledged=False)
    conversation.ask("{ a }")
    assert [message["type"] for message in said(conversation)] == ["connection_init"]
    hear(conversation, {"type": "connection_ack"})
    assert len(said(conversation)) == 1


@pytest.mark.parametrize("payload", [[{"message": "no such pool"}], {"message": "no such pool"}])
@pytest.mark.parametrize("subprotocol", list(Subprotocol))
def test_an_error_ends_its_operation_alone(subprotocol, payload):
    conversation = begun(subprotocol)
    one, two = conversation.ask("{ a }"), conversation.ask("{ b }")
    (ended,) = hear(conversation, {"type": "error", "id": one, "payload": payload})
    assert isinstance(ended, Ended)
    assert isinstance(ended.fault, Unreachable)
    assert "no such pool" in str(ended.fault)
    assert conversation.operations == (two,)


def test_a_ping_is_answered_and_a_silence_is_looked_into():
    conversation = begun(MODERN)
    hear(conversation, {"type": "ping"})
    assert said(conversation) == [{"type": "pong"}]
    at_ns = 2_600 * NS_PER_MS
    conversation.tick(at_ns)
    assert said(conversation) == [{"type": "ping"}]
    hear(conversation, {"type": "pong"}, at_ns + 1)
    conversation.tick(at_ns + 2_100 * NS_PER_MS)
    at_ns += 20_000 * NS_PER_MS
    conversation.tick(at_ns)
    with pytest.raises(Unreachable, match="and no answer to a question"):
        conversation.tick(at_ns + 2_001 * NS_PER_MS)


def test_the_older_subprotocol_is_asked_a_question_as_it_has_no_ping():
    conversation = begun(LEGACY)
    conversation.tick(2_600 * NS_PER_MS)
    (question,) = said(conversation)
    assert (question["type"], question["payload"]) == ("start", {"query": "{ __typename }"})
    assert hear(conversation, {"type": "data", "id": question["id"], "payload": {}}, 2_700 * NS_PER_MS) == []
    conversation.tick(4_700 * NS_PER_MS)


def test_a_server_that_does_not_acknowledge_is_given_up():
    conversation = begun(MODERN, is_acknowledged=False)
    conversation.tick(5_000 * NS_PER_MS)
    with pytest.raises(Unreachable, match="expected connection_ack within 5000 ms"):
        conversation.tick(5_001 * NS_PER_MS)


def test_a_refusal_is_told():
    conversation = begun(LEGACY, is_acknowledged=False)
    with pytest.raises(Refused, match="bad key"):
        hear(conversation, {"type": "connection_error", "payload": {"message": "bad key"}})


@pytest.mark.parametrize(
    "frame",
    [
        b"\x00\xff",
        b"[" * 100_000,
        b'{"type": 1}',
        {"type": "next", "id": "99", "payload": {}},
        {"type": "next"},
        {"type": "data", "id": "1", "payload": {}},
        {"type": "soap"},
    ],
)
def test_what_is_no_message_is_told_and_the_conversation_goes_on(frame):
    conversation = begun(MODERN)
    operation = conversation.ask("{ a }")
    (unread,) = hear(conversation, frame)
    assert isinstance(unread, Unread)
    assert isinstance(unread.fault, Malformed)
    assert len(hear(conversation, {"type": "next", "id": operation, "payload": {}})) == 1


WORDS = st.sampled_from(
    ["connection_ack", "connection_error", "ka", "ping", "pong", "next", "data", "error", "complete", "x"]
)
MESSAGES = st.fixed_dictionaries(
    {"type": WORDS},
    optional={"id": st.sampled_from(["1", "2", "3", ""]), "payload": st.none() | st.lists(st.integers())},
)


@given(st.sampled_from(Subprotocol), st.lists(MESSAGES.map(msgspec.json.encode) | st.binary(), max_size=20))
def test_no_order_of_messages_raises_anything_but_a_fault(subprotocol, frames):
    conversation = begun(subprotocol, is_acknowledged=False)
    conversation.ask("{ a }")
    for number, frame in enumerate(frames):
        try:
            for heard in conversation.hear(frame, number):
                assert isinstance(heard, Next | Ended | Unread)
        except Fault:
            return


@pytest.mark.parametrize(
    ("result", "fault", "text"),
    [
        (b"", Malformed, "expected a GraphQL result"),
        (b"[]", Malformed, "expected a GraphQL result"),
        (b'{"data": null}', Malformed, "expected data or errors, found neither"),
        (b'{"errors": [{"message": "bad indexers: {0x1: Timeout}"}]}', Unreachable, "bad indexers"),
        (b'{"errors": [{"message": "auth error: API key not found"}]}', Refused, "API key"),
        (b'{"errors": [{"message": "Type `Query` has no field `x`"}]}', Refused, "no field"),
        (b'{"data": {"swaps": []}, "errors": [{"message": "timeout"}]}', Unreachable, "timeout"),
    ],
)
def test_a_result_with_any_error_counts_for_nothing(result, fault, text):
    with pytest.raises(fault, match=text):
        data_of(result, "here")


def test_only_close_codes_that_would_come_again_are_refusals():
    lost = Unreachable("lost")
    assert [type(fault_of_close(code, lost)) for code in (4400, 4401, 4403, 4406)] == [Refused] * 4
    assert [fault_of_close(code, lost) for code in (None, 1000, 1012, 4408, 4409, 4500)] == [lost] * 6
