"""Is the address that calls found behind proxies, whatever who calls writes into the header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.schema.faults import Refused
from tidemill.serve.auth.addresses import Addresses, networks_of, site_of

PROXIES = networks_of("x", ["10.0.0.0/8", "fd00::/8"])
ADDRESSES = Addresses(networks_of("x", ["192.0.2.0/24", "2001:db8::/32"]), PROXIES)


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("192.0.2.7", ["203.0.113.9"], "192.0.2.7"),
        ("10.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["192.0.2.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["192.0.2.1", "203.0.113.9, 10.2.3.4"], "203.0.113.9"),
        ("10.0.0.1", ["192.0.2.1,203.0.113.9:4711, fd00::2"], "203.0.113.9"),
        ("fd00::1", ["[2001:db8::7]:443"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["::ffff:192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.9.9.9"], "10.9.9.9"),
        ("10.0.0.1", ["192.0.2.1, unknown"], None),
        ("10.0.0.1", [""], None),
        (None, ["192.0.2.7"], None),
    ],
)
def test_the_last_address_that_is_no_proxy_of_ours_calls(peer, forwarded, found):
    address = ADDRESSES.caller(peer, forwarded)
    assert (None if address is None else str(address)) == found
    assert ADDRESSES.may_call(address) is (found or "").startswith(("192.0.2.", "2001:db8:"))


@given(st.lists(st.text(max_size=40), max_size=4))
def test_nothing_that_stands_before_what_a_proxy_wrote_changes_who_calls(written):
    assert str(ADDRESSES.caller("10.0.0.1", [*written, "203.0.113.9"])) == "203.0.113.9"


def test_where_none_are_named_all_may_call():
    assert Addresses((), ()).may_call(None)


def test_an_ipv6_subscriber_is_counted_as_one():
    one, other = (ADDRESSES.caller(peer, []) for peer in ("2001:db8::1", "2001:db8:0:0:ffff::2"))
    assert site_of(one) == site_of(other) == "2001:db8::/64"


def test_what_is_no_network_is_refused_with_its_setting():
    with pytest.raises(Refused, match=r"api\.auth\.allowed_addresses: .* found '10\.0\.0\.1/8'"):
        networks_of("api.auth.allowed_addresses", ["10.0.0.1/8"])
