import re
from pathlib import Path
from typing import Annotated, Literal

import pytest
from msgspec import Meta, Struct

from tidemill.core.config import load, read_env_file
from tidemill.schema.faults import Refused


class Limits(Struct, frozen=True, kw_only=True):
    rows_max: int = 5


class Bus(Struct, frozen=True, kw_only=True):
    password: str = ""
    url: str = "lmdb://bus"
    wait_ms: Annotated[int, Meta(gt=0)] = 50
    is_fast: bool = False
    limits: Limits = Limits()


class Chain(Struct, frozen=True, kw_only=True):
    source: str
    ws_url: str | None = None
    chain_id: int
    pools: tuple[str, ...] = ()


class All(Struct, frozen=True, kw_only=True):
    bus: Bus = Bus()
    level: Literal["INFO", "DEBUG"] = "INFO"
    chains: dict[str, Chain] = {}


def written(folder: Path, text: str) -> Path:
    file = folder / "tidemill.toml"
    file.write_text(text)
    return file


def test_without_file_and_environment_every_setting_has_its_default():
    loaded = load(All, None, {})
    assert loaded.settings == All()
    assert {row.origin for row in loaded.rows()} == {"default"}


def test_the_environment_wins_over_the_file_and_both_are_named(tmp_path):
    file = written(tmp_path, '[bus]\nurl = "memory://"\nwait_ms = 7\n')
    loaded = load(All, file, {"TIDEMILL_BUS_WAIT_MS": "9", "TIDEMILL_BUS_IS_FAST": "true"})
    assert loaded.settings.bus == Bus(url="memory://", wait_ms=9, is_fast=True)
    assert loaded.origins["bus.wait_ms"] == "environment TIDEMILL_BUS_WAIT_MS"
    assert loaded.origins["bus.url"] == "tidemill.toml:bus.url"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[bus]\nurll = "x"', "tidemill.toml: bus.urll: unknown setting; did you mean 'url'?"),
        ("[zzz]\na = 1", "tidemill.toml: zzz: unknown setting; known: bus, level, chains"),
        ("[chains.eth]\nchain_idd = 1", "chains.eth.chain_idd: unknown setting; did you mean 'chain_id'"),
        ("[chains.eth]\nchain_id = 'one'", "chains.eth.chain_id = 'one': expected `int`, got `str`"),
        ("[chains.eth]\nsource = 'eth'", "chains.eth.source: unknown setting"),
        ("[chains.eth]\npools = []", "chains.eth.chain_id: expected a value, found none"),
        ("[bus]\nwait_ms = 0", "bus.wait_ms = 0: expected `int` >= 1"),
        ("bus = 3", "bus = 3: expected `object`, got `int`"),
        ("[bus", "tidemill.toml: expected TOML"),
        ('[bus]\nurl = "ws://me:secret@host"', "expected no password in the file"),
        ('[bus]\nurl = "ws://${NOWHERE}@host"', "expected the environment to have NOWHERE"),
    ],
)
def test_a_bad_setting_is_refused_with_key_value_and_what_was_expected(tmp_path, text, message):
    with pytest.raises(Refused, match=re.escape(message)):
        load(All, written(tmp_path, text), {})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "TIDEMILL_BUS_WAIT_MS",
            "soon",
            "environment TIDEMILL_BUS_WAIT_MS: bus.wait_ms = 'soon': expected `int`",
        ),
        ("TIDEMILL_BUS_WAIT", "1", "bus.wait: unknown setting; did you mean 'wait_ms'?"),
        ("TIDEMILL_BUS_LIMITS_ROWS", "1", "bus.limits.rows: unknown setting; did you mean 'rows_max'?"),
        ("TIDEMILL_CHAINS_ETH_COLOUR", "1", "unknown setting; expected TIDEMILL_CHAINS_<NAME>_<SETTING>"),
    ],
)
def test_a_bad_variable_is_refused_by_its_name(name, value, message):
    with pytest.raises(Refused, match=re.escape(message)):
        load(All, None, {name: value})


def test_a_section_within_a_section_is_reached_by_file_and_variable(tmp_path):
    file = written(tmp_path, "[bus.limits]\nrows_max = 6\n")
    assert load(All, file, {}).settings.bus.limits.rows_max == 6
    loaded = load(All, file, {"TIDEMILL_BUS_LIMITS_ROWS_MAX": "7"})
    assert loaded.settings.bus.limits.rows_max == 7
    assert loaded.origins == {"bus.limits.rows_max": "environment TIDEMILL_BUS_LIMITS_ROWS_MAX"}


def test_variables_of_others_are_left_alone():
    assert load(All, None, {"TIDEMILL_PORT_8080_TCP": "tcp://10.0.0.1", "HOME": "/"}).settings == All()


def test_a_chain_can_be_made_of_variables_alone_and_completes_one_of_the_file(tmp_path):
    file = written(tmp_path, "[chains.sei-main]\nchain_id = 1329\n")
    environ = {
        "TIDEMILL_CHAINS_SEI_MAIN_WS_URL": "ws://a",
        "TIDEMILL_CHAINS_ETH_CHAIN_ID": "1",
        "TIDEMILL_CHAINS_ETH_POOLS": "0x01, 0x02",
    }
    chains = load(All, file, environ).settings.chains
    assert chains == {
        "sei-main": Chain(source="sei-main", chain_id=1329, ws_url="ws://a"),
        "eth": Chain(source="eth", chain_id=1, pools=("0x01", "0x02")),
    }


def test_another_makers_name_sets_the_setting_that_it_stands_for():
    assert load(All, None, {"LOG_LEVEL": "DEBUG"}, {"LOG_LEVEL": "level"}).settings.level == "DEBUG"


def test_secrets_come_from_the_environment_and_are_never_shown(tmp_path):
    file = written(tmp_path, '[chains.eth]\nchain_id = 1\nws_url = "wss://node/v2/${KEY}/${SHORT}"\n')
    loaded = load(
        All, file, {"KEY": "hunter2", "SHORT": "s3cret", "TIDEMILL_BUS_URL": "redis://me:topsecret@host:1/0"}
    )
    assert loaded.settings.chains["eth"].ws_url == "wss://node/v2/hunter2/s3cret"
    shown = "\n".join(f"{row.key} {row.value} {row.origin}" for row in loaded.rows())
    for secret in ("hunter2", "s3cret", "topsecret"):
        assert secret not in shown
        assert secret not in loaded.redactor(f"failed with {secret}!")
    assert "wss://node/v2/***/***" in shown


def test_a_password_of_few_letters_is_not_shown():
    rows = {row.key: row.value for row in load(All, None, {"TIDEMILL_BUS_PASSWORD": "pw"}).rows()}
    assert rows["bus.password"] == "***"
    assert {row.key: row.value for row in load(All, None, {}).rows()}["bus.password"] == ""


def test_a_refusal_hides_the_secret_in_the_value():
    with pytest.raises(Refused) as refused:
        load(All, None, {"TIDEMILL_BUS_WAIT_MS": "https://user:topsecret@host/"})
    assert "topsecret" not in str(refused.value)


def test_an_env_file_has_names_values_quotes_and_comments(tmp_path):
    file = tmp_path / ".env"
    file.write_text("# keys\n\nexport A=1\nB = 'two words'\nC=\"x=y\"\nD=plain # note\n")
    assert read_env_file(file) == {"A": "1", "B": "two words", "C": "x=y", "D": "plain"}
    file.write_text("what is this")
    with pytest.raises(Refused, match=r"\.env:1: expected NAME=value"):
        read_env_file(file)
    assert read_env_file(tmp_path / "absent") == {}


def test_an_empty_section_is_an_entry_that_lacks_its_values(tmp_path):
    with pytest.raises(Refused, match=r"chains\.eth\.chain_id: expected a value, found none"):
        load(All, written(tmp_path, "[chains.eth]"), {})
    with pytest.raises(Refused, match=r"bus\.url: expected a value \(str\), found a section"):
        load(All, written(tmp_path, "[bus.url]"), {})
    assert load(All, written(tmp_path, "[bus]\n[chains]"), {}).settings == All()


def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path):
    with pytest.raises(Refused, match="it cannot be read: Is a directory"):
        load(All, tmp_path, {})
    with pytest.raises(Refused, match="it cannot be read: Is a directory"):
        read_env_file(tmp_path)
    (tmp_path / ".env").write_bytes(b"\xff\xfe")
    with pytest.raises(Refused, match="expected NAME=value lines in UTF-8"):
        read_env_file(tmp_path / ".env")
    for odd in ("a = " + "[" * 5_000, "a = " + "9" * 5_000):
        with pytest.raises(Refused, match="expected TOML"):
            load(All, written(tmp_path, odd), {})
