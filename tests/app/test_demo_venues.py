"""Are a demo's emulated venues read beside its chain, and are their books live."""

import pytest

from tidemill.app.sandbox.demo_venues import emulating, outcomes
from tidemill.app.settings import read_settings

from .running import running_engine
from .until import until


@pytest.mark.parametrize(("venue", "books"), [("sei", 2), ("polymarket", 100)])
async def test_an_emulated_venue_of_a_demo_has_all_its_books_live(tmp_path, venue, books):
    environment = read_settings(None, tmp_path, {}).with_chains_alone()
    async with emulating(environment, [venue], 1) as told, running_engine(told, {}) as engine:

        async def is_live():
            found = outcomes(engine.markets)[venue]
            return found.books == found.live == books

        await until(is_live)
        assert outcomes(engine.markets)[venue].gaps == 0
    assert environment.settings.venues != told.settings.venues


async def test_a_demo_without_venues_reads_none(tmp_path):
    environment = read_settings(None, tmp_path, {}).with_chains_alone()
    async with emulating(environment, [], 1) as told:
        assert told is environment
