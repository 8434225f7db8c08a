"""Make Grafana's JSON of the dashboards that are declared."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef, GridPos

from tidemill.app.operating.dashboards.declared import DASHBOARDS
from tidemill.app.operating.dashboards.panel import Dashboard, Panel

_SOURCE = DataSourceRef(type_val="prometheus", uid="${prometheus}")
"""Chosen at the top of each dashboard."""
_COLUMNS = 24
"""Of Grafana's grid."""
_SIZES = {"lines": (12, 8), "number": (6, 4)}
"""Width and height of each kind of panel there."""


def files(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield the file of each dashboard with its content."""
    for declared in DASHBOARDS:
        yield root / f"deploy/grafana/dashboards/{declared.name}.json", _json(declared)


def _json(declared: Dashboard) -> str:
    board = (
        boards.Dashboard(declared.title)
        .uid(f"tidemill-{declared.name.replace('_', '-')}")
        .description(declared.about)
        .tags(["tidemill"])
        .timezone("utc")
        .time("now-1h", "now")
        .refresh("10s")
        .readonly()
        .with_variable(boards.DatasourceVariable("prometheus").label("Prometheus").type("prometheus"))
    )
    for panel, place in zip(declared.panels, _places(declared.panels), strict=True):
        board = board.with_panel(_panel(panel).grid_pos(place))
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"


def _places(panels: Sequence[Panel]) -> Iterator[GridPos]:
    """Yield where each panel goes: beside the one before where there is room, else below all before."""
    x = y = below = 0
    for panel in panels:
        width, height = _SIZES[panel.kind]
        if x + width > _COLUMNS:
            x, y = 0, below
        yield GridPos(x=x, y=y, w=width, h=height)
        x, below = x + width, max(below, y + height)


def _panel(declared: Panel) -> timeseries.Panel | stat.Panel:
    panel = stat.Panel() if declared.kind == "number" else timeseries.Panel()
    query = prometheus.Dataquery().expr(declared.expression).legend_format(declared.legend).ref_id("A")
    panel = panel.title(declared.title).unit(declared.unit).datasource(_SOURCE).with_target(query)
    return (
        panel if declared.needs is None else panel.description(f"Has data where there is {declared.needs}.")
    )
