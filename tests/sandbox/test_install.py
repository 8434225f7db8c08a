"""What is said when the packages cannot be had."""

import json
import os
from pathlib import Path

import pytest

from tidemill.sandbox.contracts import creation_code, package_files
from tidemill.sandbox.install import LOCK_FOLDER, ensure_packages, main
from tidemill.sandbox.node import ANVIL
from tidemill.sandbox.solidity_code import kept_codes
from tidemill.sandbox.vyper_code import CONTRACTS, compiled_folder
from tidemill.schema.faults import Malformed, Refused, Unknown, Unreachable


def _npm(folder: Path, script: str) -> None:
    folder.mkdir()
    program = folder / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_a_missing_npm_is_refused_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match=r"expected npm on the path.*install Node"):
        ensure_packages(tmp_path / "packages")


def test_a_failing_npm_is_quoted_and_leaves_nothing_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _npm(tmp_path / "bin", "echo 'no route to host' >&2; exit 7")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    with pytest.raises(Unreachable, match="exit code 7: no route to host"):
        ensure_packages(tmp_path / "packages")
    assert [path.name for path in (tmp_path / "packages").iterdir()] == ["install.lock"]


def test_an_install_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _npm(tmp_path / "bin", f"echo run >> {tmp_path}/runs; test -f package-lock.json && mkdir node_modules")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setenv("TIDEMILL_SANDBOX_DIR", str(tmp_path / "packages"))
    first = ensure_packages()
    compiled = compiled_folder(tmp_path / "packages")
    compiled.mkdir()
    for name in CONTRACTS:
        (compiled / f"{name}.hex").write_text("0x")
    kept_codes(tmp_path / "packages").write_text("{}")
    assert main() == 0
    assert ensure_packages() == first
    assert (tmp_path / "runs").read_text() == "run\n"


def test_only_what_is_read_stays_with_each_package_s_terms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = sorted(package_files())[0]
    files = (read, ANVIL, "one/LICENSE.md", "one/package.json", "one/deep/er/unread.sol", "two/unread.js")
    lines = [f"mkdir -p node_modules/$(dirname {file}); touch node_modules/{file}" for file in files]
    _npm(tmp_path / "bin", "\n".join([*lines, "ln -s nowhere node_modules/link"]))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    modules = ensure_packages(tmp_path / "packages")
    left = {str(path.relative_to(modules)) for path in modules.rglob("*") if not path.is_dir()}
    assert left == {read, ANVIL, "one/LICENSE.md", "one/package.json"}
    assert not (modules / "two").exists()


def test_the_command_fails_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TIDEMILL_SANDBOX_DIR", str(tmp_path / "packages"))
    assert main() == 1
    assert "expected npm" in capsys.readouterr().err


def test_the_lock_pins_each_package_by_digest_and_names_no_host() -> None:
    lock = json.loads((LOCK_FOLDER / "package-lock.json").read_text())
    wanted = json.loads((LOCK_FOLDER / "package.json").read_text())["dependencies"]
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert all("integrity" in entry and "resolved" not in entry for entry in packages.values())
    pinned = {
        name: version.rpartition("@")[2] for name, version in wanted.items()
    }  # two of one name: npm:name@…
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == pinned


def test_bytecode_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="expected a contract's bytecode"):
        creation_code(tmp_path, "WETH9")


def test_an_artifact_without_bytecode_is_malformed(tmp_path: Path) -> None:
    artifact = tmp_path / "canonical-weth/build/contracts/WETH9.json"
    artifact.parent.mkdir(parents=True)
    artifact.write_text('{"bytecode": "0x"}')
    with pytest.raises(Malformed, match="expected bytecode"):
        creation_code(tmp_path, "WETH9")
