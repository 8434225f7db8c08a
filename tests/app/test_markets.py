"""Is every venue that has a section found by it, and refused by its keys."""

import pytest
from msgspec import structs

from tidemill.app.settings import Settings, VenuesSettings
from tidemill.app.venues.markets import markets_of
from tidemill.schema.faults import Refused
from tidemill.venues.base import discover
from tidemill.venues.polymarket_config import PolymarketConfig
from tidemill.venues.sei.config import SeiConfig, SeiInstrument

SECTIONS = [field.name for field in structs.fields(VenuesSettings)]
SEI = SeiConfig(
    ws_url="ws://127.0.0.1:1/websocket",
    http_url="http://127.0.0.1:1",
    instruments={"SEI/USDC": SeiInstrument(source="SEI/USDC", contract="sei1", market="SEI/USDC")},
)
READ = {"sei": SEI, "polymarket": PolymarketConfig(enabled=True)}
"""What has each venue read; a new section needs one here."""


@pytest.mark.parametrize("name", SECTIONS)
def test_a_venue_is_read_where_its_section_says_so(name):
    assert name in discover()
    assert list(markets_of(Settings(venues=VenuesSettings(**{name: READ[name]})))) == [name]


def test_no_venue_is_read_by_default():
    assert markets_of(Settings()) == {}


def test_a_section_that_does_not_have_its_venue_read_is_no_market():
    assert markets_of(Settings(venues=VenuesSettings(polymarket=PolymarketConfig(markets_max=7)))) == {}


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [("sei", "http_url", None), ("polymarket", "http_url", "ftp://there")],
)
def test_a_section_that_does_not_fit_is_refused_by_its_key(name, key, value):
    wrong = structs.replace(READ[name], **{key: value})
    with pytest.raises(Refused, match=rf"venues\.{name}.*{key}"):
        markets_of(Settings(venues=VenuesSettings(**{name: wrong})))
