"""What our pages show to be typed or written: every fenced block, and the commands in it."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.app.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SHELLS = ("", "sh", "bash")
_LINE = re.compile(
    r"(?:\$ )?(?P<env>(?:[A-Z_]+=\S+ )*)(?:\.venv/bin/)?(?P<program>tidemill|curl) (?P<rest>.+)"
)
_CUT = re.compile(r" (?:\||&&) .*$")


class Block(NamedTuple):
    """One fenced block."""

    page: str
    """Its file below the root."""
    kind: str
    text: str


class Command(NamedTuple):
    """One line that starts our program, or asks it over HTTP."""

    page: str
    program: str
    env: dict[str, str]
    words: tuple[str, ...]
    """After the program."""
    output: str
    """What the page says that it prints; empty where it does not."""

    def __str__(self) -> str:
        """Return the line."""
        return " ".join([self.program, *self.words])


def blocks(page: Path) -> list[Block]:
    """Return a page's blocks, in order."""
    name = str(page.relative_to(ROOT))
    return [Block(name, kind, text) for kind, text in _BLOCK.findall(page.read_text())]


def commands(page: Path) -> Iterator[Command]:
    """Yield every command of a page, in order."""
    for block in blocks(page):
        if block.kind in _SHELLS:
            yield from _commands(block)


def _commands(block: Block) -> Iterator[Command]:
    """Yield a block's commands; what follows a line with a prompt, or is JSON, is output."""
    lines = block.text.replace("\\\n", " ").splitlines()
    has_prompts = any(line.startswith("$ ") for line in lines)
    for number, line in enumerate(lines):
        found = _LINE.fullmatch(line)
        if found is None or (has_prompts and not line.startswith("$ ")):
            continue
        said: list[str] = []
        for after in lines[number + 1 :]:
            if after.startswith("$ ") or not (has_prompts or after.startswith(("{", " "))):
                break
            said.append(after)
        env = dict(one.split("=", 1) for one in found["env"].split())
        words = shlex.split(_CUT.sub("", found["rest"]), comments=True)
        yield Command(block.page, found["program"], env, tuple(words), "\n".join(said))
