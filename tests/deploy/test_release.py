"""What a release consists of: its version, and its bill of materials by the standard's own schema."""

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib.metadata import version
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from tests.app.conftest import ROOT

from .test_alerts import DEPLOY


def test_the_bill_of_materials_is_of_its_schema_and_names_all_that_is_locked():
    made = [
        subprocess.run([sys.executable, DEPLOY / "sbom.py"], capture_output=True, text=True, timeout=60)
        for _ in range(2)
    ]
    assert made[0].returncode == 0, made[0].stderr
    assert made[0].stdout == made[1].stdout
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made[0].stdout) is None
    components = json.loads(made[0].stdout)["components"]
    found = {
        (url.type, url.name): url.version
        for url in (PackageURL.from_string(one["purl"]) for one in components)
    }
    assert len(found) >= len({one["name"] for one in components}) > 300
    locked = (DEPLOY.parent / "requirements/run.lock").read_text()
    for name in ("chdb", "pyarrow", "msgspec"):
        assert f"{name}=={found['pypi', name]} " in locked
    crates = tomllib.loads((DEPLOY.parent / "Cargo.lock").read_text())["package"]
    pyo3 = next(one["version"] for one in crates if one["name"] == "pyo3")
    assert found["cargo", "pyo3"] == pyo3
    assert not any(name.startswith("tidemill") for _, name in found)


def test_the_command_says_which_version_it_is():
    program = "import sys; from tidemill.app.cli import main; sys.argv = ['tidemill', '--version']; main()"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, f"tidemill {version('tidemill')}\n")


def _done(*command: str | Path, **more: Path | dict[str, str]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=280, **more)  # pyright: ignore
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.timeout(300)
def test_the_wheel_has_all_of_the_program_where_there_is_no_checkout(tmp_path):
    if not (ROOT / "target/release/deps").exists():
        pytest.skip("needs what `make` compiled, of which the wheel is made")
    programs = Path(sys.executable).parent
    path = {"PATH": f"{programs}:{os.environ['PATH']}"}
    build = ("build", "--release", "--offline", "--interpreter", sys.executable, "--out", tmp_path)
    _done(programs / "maturin", *build, cwd=ROOT, env=os.environ | path)
    venv.create(tmp_path / "own", with_pip=True)
    own = tmp_path / "own/bin"
    (wheel,) = tmp_path.glob("tidemill-*.whl")
    _done(own / "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    place = next((tmp_path / "own/lib").glob("python*/site-packages"))
    # the libraries alone: what leads to this checkout is a line of a .pth file, which is not read from there
    (place / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    found = "import tidemill, tidemill._rust as rust; print(tidemill.__file__, rust.__file__)"
    for file in _done(own / "python", "-c", found, cwd=tmp_path, env=env).split():
        assert Path(file).is_relative_to(place)
    assert _done(own / "tidemill", "--version", cwd=tmp_path, env=env) == f"tidemill {version('tidemill')}\n"
    assert "bus.url" in _done(own / "tidemill", "config", cwd=tmp_path, env=env)
    _done(own / "tidemill", "db", "upgrade", cwd=tmp_path, env=env)
    for made in ("serve/page/index.html", "sandbox/vyper/StableSwap.vy", "chains/evm/forks.toml"):
        assert (place / "tidemill" / made).exists(), made
