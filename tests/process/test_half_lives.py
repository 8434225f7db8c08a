"""Opportunities are summed up by chain, tokens and kinds of pools; those that still pay are not dropped."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidemill.process.half_lives import GROUPINGS, Fate, Found, groups, still_paying
from tidemill.schema.events import AutopsyCause

CAUSES = [cause for cause in AutopsyCause if cause is not AutopsyCause.REORGED]


def fate(cause: AutopsyCause | None, blocks: int, **changes: Any) -> Fate:
    alike = {"source": "a", "tokens": ("t", "u"), "protocols": ("v2", "v3"), "followed_ns": blocks * 12}
    return Fate(cause=cause, followed_blocks=blocks, **{**alike, **changes})


fates = st.lists(
    st.builds(
        fate,
        st.sampled_from([None, *CAUSES]),
        st.integers(0, 32),
        source=st.sampled_from("ab"),
        tokens=st.sampled_from([("t", "u"), ("t", "w")]),
        protocols=st.sampled_from([("v2", "v2"), ("v2", "v3")]),
        count=st.integers(1, 5),
    )
)


def test_a_group_tells_what_became_of_its_opportunities():
    taken = fate(AutopsyCause.TAKEN, 1, count=2)
    expired = [fate(AutopsyCause.CLOSED_BY_TRADE, 3), fate(AutopsyCause.COSTS, 4)]
    expired.append(fate(AutopsyCause.CLOSED_BY_LIQUIDITY, 4))
    [found] = groups([taken, *expired, fate(AutopsyCause.OUTLIVED, 32), fate(None, 5)], "chain")
    counts = (found.taken.count, found.expired.count, found.alive.count, found.unknown.count)
    assert (found.count, counts) == (7, (2, 3, 2, 0))
    assert (found.half_life_blocks.duration, found.half_life_ns.duration) == (4, 48)


def test_one_of_unknown_fate_counts_as_long_as_it_is_known_to_have_paid():
    died = [fate(AutopsyCause.TAKEN, 1), fate(AutopsyCause.TAKEN, 4)]
    [without] = groups(died, "chain")
    [found] = groups([*died, fate(AutopsyCause.UNKNOWN, 3, count=2)], "chain")
    assert (without.half_life_blocks.duration, found.half_life_blocks.duration) == (1, 4)


@given(fates)
def test_every_opportunity_is_in_one_group_with_one_fate(told: list[Fate]):
    whole = sum(one.count for one in told)
    for by in GROUPINGS:
        found = groups(told, by)
        assert sum(group.count for group in found) == whole
        for group in found:
            parts = (group.taken, group.expired, group.alive, group.unknown)
            assert sum(part.count for part in parts) == group.count
        assert len({(group.source, group.parts) for group in found}) == len(found)


def test_of_a_path_that_still_pays_only_the_first_finding_counts():
    early, late = Found(b"p", 5, fate(None, 4)), Found(b"p", 8, fate(None, 1))
    assert still_paying([late, early], {}) == [early.fate]
    assert still_paying([late, early], {("a", b"p"): 6}) == [late.fate], "it ended, and is followed anew"
    assert still_paying([late, early], {("a", b"p"): 9}) == []
    assert still_paying([late, early], {("b", b"p"): 9}) == [early.fate], "that is another chain's"
