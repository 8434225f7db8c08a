"""What a report says, drawn: predictors' errors, what models ask, and what policies earned."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tidemill.learn.arrays import Floats
from tidemill.learn.gas.model_files import Metadata

_IMPORTANCES = 12
_INCHES = (8.0, 4.5)
_DOTS_PER_INCH = 100


def gas_plots(metadata: Metadata) -> Mapping[str, bytes]:
    """Return PNG files by name: each predictor's error in each fold, and what each model asks."""
    plots = {"errors.png": _errors(metadata)}
    for learner, shares in metadata.importances.items():
        most = dict(list(shares.items())[:_IMPORTANCES])
        plots[f"importances_{learner}.png"] = _bars(f"What {learner} asks, as a share of its splits", most)
    return plots


def episode_plots(rewards: Mapping[str, Floats]) -> Mapping[str, bytes]:
    """Return PNG files by name, of each policy's rewards, float64[episodes] in USD: their sums so far."""
    figure, axes = _figure("Earned in the episodes that were judged", "episode", "USD")
    for name, one in rewards.items():
        axes.plot(np.arange(1, len(one) + 1), np.cumsum(one), label=name)
    axes.legend()
    return {"earned.png": _png(figure)}


def _errors(metadata: Metadata) -> bytes:
    figure, axes = _figure("Mean absolute error on later time", "fold", "gwei")
    for line in metadata.report.lines:
        errors = [scores.mae_gwei for scores in line.folds]
        axes.plot(range(1, len(errors) + 1), errors, marker="o", label=line.predictor)
    axes.set_xticks(range(1, metadata.options.folds + 1))
    axes.legend()
    return _png(figure)


def _bars(title: str, shares: Mapping[str, float]) -> bytes:
    figure, axes = _figure(title, "share", "")
    names: Sequence[str] = list(shares)[::-1]
    axes.barh(names, [shares[name] for name in names])
    return _png(figure)


def _figure(title: str, x: str, y: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # no pyplot: it keeps state and looks for a screen

    figure = Figure(figsize=_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot(title=title, xlabel=x, ylabel=y)
    return figure, axes


def _png(figure: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
