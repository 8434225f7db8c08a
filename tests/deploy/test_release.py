"""What a release consists of: its version, and its bill of materials by the standard's own schema."""

import json
import subprocess
import sys
import tomllib
from importlib.metadata import version

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

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
