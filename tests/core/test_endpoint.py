"""Does a message ever show what opens an endpoint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.core.endpoint import redact_text, redact_url
from tidemill.core.redact import Redactor


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("wss://eth.example/v2/0123456789abcdef", "wss://eth.example/v2/***"),
        ("https://me:pw@eth.example:8545/", "https://eth.example:8545/"),
        ("https://eth.example/rpc?apikey=abc", "https://eth.example/rpc?***"),
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("http://[::1]:8545/x", "http://[::1]:8545/x"),
        ("http://host:notaport/secret", "***"),
        ("redis://:12/secret@host:6379/0", "***"),
    ],
)
def test_an_endpoint_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@given(st.text(max_size=60), st.sampled_from(["", "redis://", "https://[", "wss://:p]s@"]))
def test_any_text_can_be_shown(text: str, start: str) -> None:
    assert isinstance(redact_url(start + text), str)
    assert isinstance(redact_text("to say", start + text), str)


def test_a_text_about_no_endpoint_stays_as_it_is() -> None:
    assert redact_text("to say", "") == "to say"


def test_a_text_about_an_endpoint_is_shown_without_its_secrets() -> None:
    url = "https://me:hunter22@eth.example/v2/0123456789abcdef"
    text = f"cannot POST {url}: /v2/0123456789abcdef of me:hunter22"
    shown = redact_text(text, url)
    assert "hunter22" not in shown
    assert "0123456789abcdef" not in shown


@pytest.mark.parametrize("password", ["pw", "se]cret", "se)c/ret", "1/2@secret", "se,c}ret"])
def test_no_part_of_a_password_is_shown_whatever_it_has(password: str) -> None:
    said = Redactor()(f"cannot reach redis://:{password}@host:6379/0, tried wss://n.example")
    assert not [part for part in ("pw", "cret", "ret", "secret", "1/2") if part in said]
    assert said.endswith(", tried wss://n.example")


def test_the_punctuation_after_an_endpoint_is_no_part_of_it():
    said = Redactor()("chain x: http://127.0.0.1:8545: expected chain id 1, found 2; see wss://n.example.")
    assert said == "chain x: http://127.0.0.1:8545: expected chain id 1, found 2; see wss://n.example."
