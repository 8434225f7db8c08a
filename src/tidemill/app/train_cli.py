"""The command line of learning: what `tidemill train` takes."""

from pathlib import Path
from typing import Annotated

import typer

from tidemill.app.options import AsJson, ConfigFile, environment_of

learning = typer.Typer()

MOST = 20_000_000


@learning.command("train")
def _train(
    samples: Annotated[int, typer.Option(min=100, max=MOST, help="The newest gas prices.")] = 10_000,
    episodes: Annotated[int, typer.Option(min=1, max=MOST, help="Outcomes, in turn and again.")] = 10_000,
    data: Annotated[
        Path | None,
        typer.Option("--data-dir", "--data", metavar="FOLDER", help="Overrides the setting data.dir."),
    ] = None,
    observations: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="CSV of gas prices, or of prices beside them; else the store's blocks."
        ),
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What came of trades, a JSON object a line.")
    ] = None,
    chain: Annotated[str | None, typer.Option(help="Whose gas it is; models/CHAIN has its files.")] = None,
    horizon_steps: Annotated[int, typer.Option(min=1, max=10_000, help="How far on.")] = 5,
    threshold: Annotated[float, typer.Option(min=0.0001, max=0.99, help="Rising or falling by more.")] = 0.05,
    folds: Annotated[int, typer.Option(min=1, max=100, help="Tests on later time.")] = 5,
    trees: Annotated[int, typer.Option(min=1, max=10_000, help="Of each quantile.")] = 80,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="The same gives the same files.")] = 0,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Learn gas prices, and a trade's parameters, from what was recorded; say how good that is."""
    from tidemill.app import train as command

    options = command.TrainOptions(
        samples=samples,
        episodes=episodes,
        observations=observations or [],
        ledger=ledger,
        chain=chain,
        horizon_steps=horizon_steps,
        threshold=threshold,
        folds=folds,
        trees=trees,
        seed=seed,
    )
    raise SystemExit(command.main(environment_of(config, data), options, is_json=json))
