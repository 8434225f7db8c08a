"""Are parameters read as they are declared, and everything else refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.schema.events import Proof
from tidemill.schema.faults import Refused
from tidemill.serve.asked import CoverageAsked, EndpointsAsked, Nothing, read


def test_a_coverage_question_is_read_as_the_command_line_has_it():
    given_ = [("source", "eth"), ("from", "5"), ("to_block", "9"), ("level", "bloom"), ("gaps", "true")]
    found = read(CoverageAsked, given_)
    assert found == CoverageAsked("eth", 5, 9, Proof.BLOOM, True, None)
    assert found.wanted() == Proof.BLOOM
    assert read(CoverageAsked, [("require", "complete:receipts_root")]).wanted() == Proof.RECEIPTS_ROOT
    assert read(CoverageAsked, []).wanted() == Proof.NONE


@pytest.mark.parametrize(
    ("kind", "parameters", "said"),
    [
        (Nothing, [("x", "1")], "x: unknown parameter; known: none"),
        (EndpointsAsked, [("sources", "a")], "sources: unknown parameter; known: source"),
        (CoverageAsked, [("from", "1"), ("from_block", "2")], "from_block: expected it once, found it twice"),
        (CoverageAsked, [("from_block", "-1")], "expected `int` >= 0"),
        (CoverageAsked, [("to", "soon")], "expected `int"),
        (CoverageAsked, [("level", "sure")], "invalid enum value 'sure'"),
        (CoverageAsked, [("gaps", "maybe")], "expected `bool"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(kind, parameters, said):
    with pytest.raises(Refused, match=said):
        read(kind, parameters)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ([("require", "everything")], "require: expected complete or complete:LEVEL, found 'everything'"),
        ([("require", "complete:sure")], "require: expected a level of"),
        ([("require", "complete"), ("level", "bloom")], "require: expected no level beside it"),
    ],
)
def test_a_requirement_that_is_none_is_refused(parameters, said):
    with pytest.raises(Refused, match=said):
        read(CoverageAsked, parameters).wanted()


@given(
    st.lists(st.tuples(st.sampled_from(["source", "from", "to", "level", "gaps", "require", "x"]), st.text()))
)
def test_any_parameters_are_read_or_refused(parameters):
    try:
        found = read(CoverageAsked, parameters)
        found.wanted()
    except Refused:
        return
    assert len({name for name, _ in parameters}) == len(parameters)
    assert found.from_block is None or found.from_block >= 0
