"""Is a mapping file refused by the place that is wrong, and does it mean what it says."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.schema.events import BookSide
from tidemill.schema.faults import Fault, Malformed, Refused, Unknown
from tidemill.venues.sei.config import SeiConfig, SeiInstrument, check_sei, queries_of
from tidemill.venues.sei.frames import ContractEvent
from tidemill.venues.sei.mapping import load_mapping, read_mapping
from tidemill.venues.sei.meaning import Cancelled, Matched, Placed, Reader, Unread, Whole

GOOD = """
about = "orders"
queries = ["tm.event='Tx' AND wasm._contract_address='{contract}'"]
contract = "_contract_address"
[price]
form = "integer"
decimals = 6
[size]
suffix = "usei"
form = "integer"
[[event]]
means = "place"
type = "wasm"
where = { action = "place" }
market = "m"
order = "id"
side = "side"
price = "p"
size = "s"
[[event]]
means = "cancel"
type = "wasm"
where = { action = "cancel" }
market = "m"
side = "side"
price = "p"
size = "s"
[[event]]
means = "match"
type = "wasm"
where = { action = "match" }
market = "m"
side = "side"
side_of = "maker"
takes_level = true
price = "p"
size = "s"
time = "t"
"""
OURS = {"A/B": SeiInstrument(source="A/B", contract="sei1a", market="ab", price_decimals=2)}


@pytest.mark.parametrize("name", ["limit_orders", "flashmm"])
def test_shipped_mappings_are_whole(name):
    assert load_mapping(name).about


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('means = "place"', 'means = "put"', "invalid value 'put'"),
        ('side = "side"\nprice = "p"\nsize = "s"\n[[event]]\nmeans = "c', '[[event]]\nmeans = "c', "missing"),
        ('order = "id"', 'ordre_id = "id"', "unknown field `ordre_id` - at `event\\[0\\]`"),
        ("decimals = 6", "decimals = 40", "<= 36 - at `price.decimals`"),
        ('form = "integer"\ndecimals = 6', "decimals = 6", "price: decimals: expected none"),
        ("tm.event='Tx' AND", "tm.event='Tx' OR", "queries: query: expected AND"),
        ("{contract}", "{kontract}", "expected {contract} or {market}"),
        ("takes_level = true", 'takes_level = true\norder = "x"', "event\\[2\\]: takes_level"),
        ("[price]\nform", '[side]\nbid = ["Up"]\nask = ["up"]\n[price]\nform', "words for one side each"),
        ('about = "orders"', "about = orders", "expected TOML"),
        ('size = "s"\n[[event]]\nmeans = "match"', '[[event]]\nmeans = "match"', "expected order, or side"),
    ],
)
def test_a_mapping_is_refused_by_the_place_that_is_wrong(old, new, said):
    assert GOOD.count(old) >= 1
    with pytest.raises(Refused, match=said):
        read_mapping(GOOD.replace(old, new, 1), "mine.toml")


@given(text=st.text(max_size=200))
def test_any_text_is_a_mapping_or_refused(text):
    with pytest.raises(Refused, match="mine"):
        read_mapping(text, "mine.toml")


def test_a_mapping_of_ones_own_is_a_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(GOOD)
    assert load_mapping(str(file)).price.decimals == 6
    with pytest.raises(Refused, match="cannot be read"):
        load_mapping(str(tmp_path / "other.toml"))
    with pytest.raises(Refused, match="expected one of flashmm, limit_orders, or a file"):
        load_mapping("limits")


def read(*attributes, mapping=GOOD, instruments=OURS, kind="wasm"):
    return Reader(read_mapping(mapping, "m"), instruments).read([ContractEvent(kind, attributes)])


def order(**changes):
    fields = {"_contract_address": "sei1a", "action": "place", "m": "ab", "id": "7", "side": "Buy"}
    return tuple({**fields, "p": "4200", "s": "15usei", **changes}.items())


def test_events_mean_what_the_file_says():
    assert read(*order()) == (
        (Placed("A/B", "7", BookSide.BID, 42 * 10**18, 15 * 10**18),),
        [],
    ), "the instrument's own decimals go before the mapping's"
    assert read(*order(action="cancel", side="SHORT"))[0] == (
        Cancelled("A/B", None, BookSide.ASK, 42 * 10**18, 15 * 10**18),
    )
    (matched,) = read(*order(action="match", t="1704067200"))[0]
    assert matched == Matched(
        "A/B", 42 * 10**18, 15 * 10**18, BookSide.ASK, None, True, None, 1704067200 * 10**9
    )


def test_another_contracts_attributes_in_the_same_event_are_not_ours():
    theirs = (("_contract_address", "sei1evil"), *order(p="1")[1:])
    messages, faults = read(*theirs, *order(), *theirs)
    assert [message.price_e18 for message in messages] == [42 * 10**18]
    assert not faults
    assert read(*theirs) == ((), [])
    assert read(*order(), kind="wasm-other") == ((), [])


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"side": "up"}, Malformed),
        ({"side": ""}, Malformed),
        ({"p": "42.00"}, Malformed),
        ({"p": "-1"}, Malformed),
        ({"p": "0"}, Malformed),
        ({"p": "1e5"}, Malformed),
        ({"p": "9" * 41}, Malformed),
        ({"s": "15"}, Malformed),
        ({"s": "15uatom"}, Malformed),
        ({"s": "99999999999999999999999usei"}, Malformed),
        ({"m": "cd"}, Unknown),
    ],
)
def test_what_cannot_be_read_is_a_fault_and_voids_only_a_known_book(changes, kind):
    messages, (fault,) = read(*order(**changes))
    assert type(fault) is kind
    assert [type(message) for message in messages] == ([] if kind is Unknown else [Unread])


def test_a_price_told_twice_is_not_chosen_from():
    messages, (fault,) = read(*order(), ("p", "4300"))
    assert "expected one p, found 2" in str(fault)
    assert isinstance(messages[0], Unread)


@pytest.mark.parametrize("symbol", ["sei/usdc", "SEI-USDC", "SEI_USDC", "SEI.USDC", "SEI/USDC"])
def test_the_sources_symbols_are_one(symbol):
    instruments = {"SEI/USDC": SeiInstrument(source="SEI/USDC", market="SEI/USDC")}
    reader = Reader(load_mapping("flashmm"), instruments)
    attributes = (("market_id", symbol), ("bids", '[["0.042","1000"]]'), ("asks", "[]"), ("sequence", "5"))
    ((whole,), faults) = reader.read(
        [ContractEvent("OrderBookUpdate", (*attributes, ("timestamp", "1704067200123")))]
    )
    assert not faults
    assert isinstance(whole, Whole)
    assert (whole.instrument, whole.sequence, whole.event_ns) == ("SEI/USDC", 5, 1704067200_123000000)
    assert whole.levels[0].price_e18 == int(Decimal("0.042") * 10**18)


@pytest.mark.parametrize("bids", ["[[0.042, 1000]]", "{}", "[[]]", "x", '[["0.042"]]', "[[" * 5000])
def test_levels_that_lost_digits_or_form_are_faults(bids):
    reader = Reader(load_mapping("flashmm"), {"A": SeiInstrument(source="A", market="A")})
    pairs = (("market_id", "A"), ("bids", bids), ("asks", "[]"), ("sequence", "5"), ("timestamp", "5"))
    messages, (fault,) = reader.read([ContractEvent("OrderBookUpdate", pairs)])
    assert isinstance(fault, Malformed)
    assert isinstance(messages[0], Unread)


@given(
    attributes=st.lists(
        st.tuples(
            st.sampled_from(["_contract_address", "action", "m", "id", "side", "p", "s", "t"]),
            st.sampled_from(["sei1a", "place", "cancel", "match", "ab", "buy", "1", "1usei"])
            | st.text(max_size=12),
        ),
        max_size=12,
    )
)
def test_any_attributes_give_messages_or_faults(attributes):
    messages, faults = read(*attributes)
    assert all(isinstance(fault, Fault) for fault in faults)
    assert all(message.instrument == "A/B" for message in messages)


def test_an_event_need_not_name_the_market_of_a_contract_that_has_one():
    without = GOOD.replace('market = "m"\nside = "side"\nprice = "p"\nsize = "s"\n[[', "[[", 1)
    without = without.replace('where = { action = "cancel" }', 'where = { action = "cancel" }\norder = "id"')
    assert without.count('market = "m"') == 2
    cancelled = order(action="cancel", m="elsewhere")
    assert read(*cancelled, mapping=without) == ((Cancelled("A/B", "7", None, None, None),), [])
    two = {name: SeiInstrument(source=name, contract="sei1a", market=name) for name in ("A", "B")}
    config = SeiConfig(ws_url="ws://x", http_url="http://x", instruments=two)
    with pytest.raises(Refused, match="as not every event of the mapping names its market"):
        check_sei(config, read_mapping(without, "m"))


def test_queries_are_made_of_the_instruments_each_once():
    mapping = load_mapping("limit_orders")
    both = {name: SeiInstrument(source=name, contract="sei1a", market=name) for name in ("A", "B")}
    config = SeiConfig(ws_url="ws://x", http_url="http://x", instruments=both)
    assert queries_of(check_sei(config, mapping), mapping) == [
        "tm.event='Tx' AND wasm._contract_address='sei1a'"
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"http_url": None}, "expected ws_url and http_url"),
        ({"ws_url": "http://x"}, "ws_url: expected ws:// or wss://"),
        ({"instruments": {}}, "expected at least one section"),
        ({"instruments": {"A": SeiInstrument(source="A", market="A")}}, "contract: expected its address"),
        ({"instruments": {"A": SeiInstrument(source="A", contract="sei1a")}}, "market: expected its name"),
        (
            {
                "instruments": {
                    name: SeiInstrument(source=name, contract="sei1a", market="m") for name in ("A", "B")
                }
            },
            "expected another contract or market than instruments.A has",
        ),
        (
            {"instruments": {"A": SeiInstrument(source="A", contract="sei1'a", market="m")}},
            "expected no quote",
        ),
        (
            {"instruments": {"A": SeiInstrument(source="A", contract="s" * 500, market="m")}},
            "at most 512 characters",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(changes, said):
    given = {
        "ws_url": "ws://x",
        "http_url": "http://x",
        "instruments": {"A": SeiInstrument(source="A", contract="sei1a", market="m")},
        **changes,
    }
    with pytest.raises(Refused, match=said):
        check_sei(SeiConfig(**given), load_mapping("limit_orders"))
