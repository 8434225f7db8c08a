"""Print the bill of materials of a release, as CycloneDX 1.6 has it: every package and crate that is locked.

`python deploy/sbom.py > sbom.json`; the same locks give the same bytes. Tests' crates are among them.
Source: https://cyclonedx.org/docs/1.6/json, read 2026-11-22.
"""

import json
import re
import tomllib
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ \\]+)", re.MULTILINE)


def bill() -> dict[str, Any]:
    """Return the document."""
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    components = [*_packages(), *_crates()]
    named = json.dumps(components)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, named)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "tidemill",
                "name": "tidemill",
                "version": version,
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": components,
    }


def _packages() -> list[dict[str, Any]]:
    """Return what `requirements/run.lock` installs beside the wheel."""
    locked = (ROOT / "requirements/run.lock").read_text()
    return [_component(name.lower(), version, "pypi") for name, version in _PINNED.findall(locked)]


def _crates() -> list[dict[str, Any]]:
    """Return what is compiled into it; crates of our own have no source."""
    found = []
    for crate in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]:
        if "source" in crate:
            component = _component(crate["name"], crate["version"], "cargo")
            found.append({**component, "hashes": [{"alg": "SHA-256", "content": crate["checksum"]}]})
    return found


def _component(name: str, version: str, kind: str) -> dict[str, Any]:
    purl = f"pkg:{kind}/{name}@{version.replace('+', '%2B')}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


if __name__ == "__main__":
    print(json.dumps(bill(), indent=1))
