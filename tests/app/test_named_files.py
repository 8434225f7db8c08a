"""Files of the code that our documents name are there."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`([\w/.\-]+\.(?:py|rs|vy|ts|css))`")
OTHERS = {"docs/guide/from_the_sources.md", "CHANGELOG.md"}
"""They name files of others, and files that were."""


def _tracked() -> list[str]:
    told = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return told.stdout.splitlines()


@pytest.mark.parametrize(
    "document", [name for name in _tracked() if name.endswith(".md") and name not in OTHERS]
)
def test_files_that_a_document_names_are_there(document: str) -> None:
    files = _tracked()
    named = set(NAMED.findall((ROOT / document).read_text()))
    gone = [
        name
        for name in named
        if "NAME" not in name and not any(file == name or file.endswith(f"/{name}") for file in files)
    ]
    assert gone == []
