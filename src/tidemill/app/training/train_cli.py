"""The command line of learning: what `tidemill train`, `dataset` and `verify-dataset` take."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from tidemill.app.options import TIMES, USAGE_ERROR, AsJson, ConfigFile, DataFolder, end, environment_of
from tidemill.core.clock import NS_PER_S

learning = typer.Typer()

MOST = 20_000_000

ExportFolder = Annotated[
    Path | None,
    typer.Option("--export", metavar="FOLDER", help="Rows of an export (Arrow, Parquet), not the store's."),
]


@learning.command("train")
def _train(
    samples: Annotated[int, typer.Option(min=100, max=MOST, help="The newest gas prices.")] = 10_000,
    episodes: Annotated[
        int | None,
        typer.Option(min=1, max=MOST, help="Of the ledger, in turn and again; without it, on a sandbox."),
    ] = None,
    judged_episodes: Annotated[
        int, typer.Option(min=20, max=MOST, help="Sandbox: played after those, to judge by, of each seed.")
    ] = 500,
    judged_seeds: Annotated[
        int, typer.Option(min=1, max=1_000, help="Sandbox: how many draw episodes to judge by.")
    ] = 1,
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
    retrain: Annotated[
        bool, typer.Option("--retrain", help="Challenge the forecaster in use; a better one takes its place.")
    ] = False,
    if_needed: Annotated[
        bool, typer.Option("--if-needed", help="With --retrain: only by drift or schedule (settings ml.*).")
    ] = False,
    roll_back: Annotated[
        bool, typer.Option("--roll-back", help="Use the forecaster again that was before.")
    ] = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Learn gas prices, and a trade's parameters, from what was recorded; say how good that is."""
    from tidemill.app.training import train as command

    options = command.TrainOptions(
        samples=samples,
        episodes=episodes,
        judged_episodes=judged_episodes,
        judged_seeds=judged_seeds,
        observations=observations or [],
        ledger=ledger,
        chain=chain,
        horizon_steps=horizon_steps,
        threshold=threshold,
        folds=folds,
        trees=trees,
        seed=seed,
    )
    environment = environment_of(config, data)
    if retrain or roll_back:
        from tidemill.app.training import retrain as again

        if roll_back:
            raise SystemExit(again.roll_back(environment, chain, is_json=json))
        raise SystemExit(again.main(environment, options, is_if_needed=if_needed, is_json=json))
    raise SystemExit(command.main(environment, options, is_json=json))


@learning.command("dataset")
def _dataset(
    table: Annotated[str, typer.Argument(help="Whose rows, by the event's name.")],
    columns: Annotated[str, typer.Option(metavar="NAME,…", help="Which columns.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where dataset.arrow and dataset.json go.")],
    start: Annotated[datetime, typer.Option(formats=TIMES, help="Rows then or later.")],
    until: Annotated[datetime, typer.Option("--end", formats=TIMES, help="Rows before that time.")],
    label: Annotated[str | None, typer.Option(metavar="NAME", help="Whose change is learned.")] = None,
    horizon_s: Annotated[float, typer.Option(min=1e-3, max=1e9, help="How much later.")] = 60.0,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Whose rows belong together.")] = None,
    formula: Annotated[
        str, typer.Option(help="log_change, relative_change, difference, value or direction.")
    ] = "log_change",
    embargo_s: Annotated[float, typer.Option(min=0, max=1e9, help="Left out between parts.")] = 0.0,
    folds: Annotated[int, typer.Option(min=0, max=1_000, help="Walk-forward tests; column fold.")] = 0,
    mark_missing: Annotated[
        bool, typer.Option("--mark-missing", help="A column more for each: is it absent?")
    ] = False,
    encode: Annotated[
        Literal["one_hot", "ordinal"] | None, typer.Option(help="How text becomes numbers.")
    ] = None,
    normalize: Annotated[
        Literal["standard", "minmax", "robust"] | None, typer.Option(help="By the training part.")
    ] = None,
    cut_outliers: Annotated[
        bool, typer.Option("--cut-outliers", help="Before --normalize: values far off the median are cut.")
    ] = False,
    export: ExportFolder = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Make a dataset of rows stored or exported, with what came of each, parted in time."""
    from tidemill.app.training import dataset as command
    from tidemill.learn.datasets.categories import Encoding
    from tidemill.learn.datasets.dataset import Label, Preparing, Recipe
    from tidemill.learn.datasets.scaling import Method

    if cut_outliers and normalize is None:
        end("--cut-outliers: expected --normalize beside it, found none", USAGE_ERROR)

    recipe = Recipe(
        table=table,
        columns=tuple(columns.split(",")),
        start_ns=_ns(start),
        end_ns=_ns(until),
        label=Label(column=label, formula=formula, horizon_ns=round(horizon_s * NS_PER_S), by=by)
        if label
        else None,
        embargo_ns=round(embargo_s * NS_PER_S),
        folds=folds,
        preparing=Preparing(
            mark_missing=mark_missing,
            encode=Encoding(encode) if encode else None,
            normalize=Method(normalize) if normalize else None,
            handle_outliers=cut_outliers,
        ),
    )
    raise SystemExit(command.make(environment_of(config, data), recipe, out, export=export, is_json=json))


@learning.command("verify-dataset")
def _verify(
    folder: Annotated[Path, typer.Argument(help="Of a dataset.")],
    export: ExportFolder = None,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Rebuild a dataset from the store, or an export, and compare byte for byte; exit 1 where it differs."""
    from tidemill.app.training import dataset as command

    raise SystemExit(command.verify(environment_of(config, data), folder, export=export))


def _ns(time: datetime) -> int:
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()) * NS_PER_S
