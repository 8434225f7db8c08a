"""Is every name of the page that leads from the source documents here there, and is none left out."""

import re
from functools import reduce
from importlib import import_module
from pathlib import Path

import pytest
import typer.main
from tests.app.conftest import ROOT

from tidemill.app.cli import app
from tidemill.app.exporting.export_routes import ROUTES
from tidemill.app.settings import ALIASES, Settings
from tidemill.bus.kafka_config import KNOWN_TOPICS
from tidemill.schema.events import EVENTS
from tidemill.serve import routes
from tidemill.serve.declared import declared
from tidemill.serve.route import discover

PAGE = (ROOT / "docs/guide/from_the_sources.md").read_text()
SURFACE = Path(ROOT / "../shared/surface.md")


def section(heading: str) -> str:
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def here(heading: str) -> list[str]:
    """Return what a section's tables name in their second column."""
    rows = [line.split(" | ") for line in section(heading).splitlines() if line.startswith("| ")][1:]
    return [name for row in rows for name in re.findall("`([^`]+)`", row[1])]


def test_every_command_is_there():
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    for name in here("Commands"):
        _, command, *rest = name.split()
        assert not rest or rest[0] in group.commands[command].commands, name  # type: ignore[attr-defined]


def test_every_route_is_there():
    keys = {route.key for route in [*discover(routes), *ROUTES]}
    assert set(here("HTTP")) <= keys


@pytest.mark.parametrize("row", [line for line in section("Python").splitlines() if "`tidemill." in line])
def test_every_class_and_method_is_there(row):
    path, *methods = re.findall("`([^`]+)`", row.split(" | ")[1])
    module, _, name = path.rpartition(".")
    found = getattr(import_module(module), name)
    assert [method for method in methods if not hasattr(found, method)] == []


def test_every_setting_and_topic_and_metric_is_there():
    for key in here("Environment"):
        if "." in key:
            reduce(getattr, key.split("."), Settings())
    same = [line for line in section("Environment").splitlines() if "the same" in line]
    assert set(re.findall(r"`([A-Z_]+)`", "".join(same))) <= set(ALIASES)
    rows = [line for line in section("Streams and metrics").splitlines() if "the same" in line]
    topics = {topic.name for topic in KNOWN_TOPICS.values()}
    assert KNOWN_TOPICS.keys() <= EVENTS.keys()
    metrics = {metric.name for metric in declared()}
    for row in rows:
        known = topics if "topics" in row else metrics
        assert set(re.findall("`([^`]+)`", row)) <= known


@pytest.mark.skipif(
    not SURFACE.exists(), reason="needs the list of what users type, which is not part of a clone"
)
def test_no_variable_and_no_metric_of_the_list_is_left_out():
    surface = SURFACE.read_text()
    variables = re.findall(
        r"`([A-Z][A-Z_ ]+)`", surface.partition("## Environment")[2].partition("Config sections")[0]
    )
    wanted = {name for line in variables for name in line.split()} - {"TIDEMILL"}
    wanted |= set(re.findall(r"`(\w+_(?:total|seconds|rate|sol|subscriptions))`", surface))
    assert {name for name in wanted if f"`{name}`" not in PAGE} == set()
