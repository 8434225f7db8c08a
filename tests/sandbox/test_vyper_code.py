"""How our own contracts become bytecode, and what is said where they cannot."""

import importlib.metadata
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from tidemill.sandbox.vyper_code import CONTRACTS, SOURCES, compiled_code, compiled_folder
from tidemill.schema.faults import Refused, Unreachable


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """What one test compiled or found out is unknown to the next."""
    yield
    compiled_code.cache_clear()
    compiled_folder.cache_clear()


def test_a_contract_is_compiled_once_and_then_read(tmp_path: Path) -> None:
    code = compiled_code(tmp_path, "LyingToken")
    [kept] = tmp_path.glob("vyper-*/LyingToken.hex")
    assert kept.read_text() == code
    assert code.startswith("0x")
    kept.write_text("0xkept")
    compiled_code.cache_clear()
    assert compiled_code(tmp_path, "LyingToken") == "0xkept"
    assert [path.name for path in kept.parent.iterdir()] == ["LyingToken.hex"]


def test_constants_make_contracts_of_one_source_differ(tmp_path: Path) -> None:
    assert compiled_code(tmp_path, "StableSwap2") != compiled_code(tmp_path, "ThreePool")


def test_every_source_is_used_and_every_contract_has_one() -> None:
    assert {path.stem for path in SOURCES.glob("*.vy")} == {source for source, _ in CONTRACTS.values()}


def test_a_missing_compiler_is_refused_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(Refused, match=r"expected the Vyper compiler.*pip install \"tidemill\[sandbox\]\""):
        compiled_code(tmp_path, "LyingToken")


def test_a_folder_that_cannot_be_written_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(Unreachable, match="compiled contracts"):
        compiled_code(tmp_path / "file", "LyingToken")
