"""How are models kept: in formats that hold data alone, each file known by its hash, the description last."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from tidemill.learn.datasets.scaling import Scaler
from tidemill.learn.gas.baselines import Baseline, SpreadBaseline
from tidemill.learn.gas.features import NAMES
from tidemill.learn.gas.models import GbModel, Learner, XgbModel, gb_model, importances
from tidemill.learn.gas.training import Report, Trained, TrainingOptions
from tidemill.learn.gas.trees import Forest
from tidemill.learn.gas.trend import QUANTILES
from tidemill.learn.json_files import decoded, read_json, to_json, write_file
from tidemill.schema.faults import Malformed, Refused

METADATA = "forecaster_metadata.json"
SCALER = "forecaster_scaler.json"
MODELS = {Learner.XGB: "forecaster_xgb.ubj", Learner.GB: "forecaster_gb.json"}
FORMAT = 1
_CHAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Metadata(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a forecaster's files are, and what they were made of."""

    format: int
    chain: str | None
    """Whose gas it is, where that was said."""
    step_ns: int
    options: TrainingOptions
    features: list[str]
    quantiles: list[float]
    first_ns: int
    """When the training data begin."""
    end_ns: int
    """When they end."""
    steps: int
    steps_known: int
    """In which a gas price was told."""
    examples: int
    chosen: str
    baseline_spreads: dict[Baseline, list[float]]
    importances: dict[Learner, dict[str, float]]
    report: Report
    sha256: dict[str, str]
    """Of the other files, by their names."""


def chain_folder(models: Path, chain: str | None) -> Path:
    """Return where a chain's models lie; those of none by name in `models` itself. Raises: Refused."""
    if chain is not None and not _CHAIN.fullmatch(chain):
        raise Refused(f"chain: expected letters, digits, _ and -, found {chain!r}")
    return models / chain if chain else models


def write(folder: Path, trained: Trained, chain: str | None) -> list[Path]:
    """Write a forecaster's files and return their paths; a reader sees old ones or new ones, or says so."""
    contents = {
        SCALER: to_json(trained.scaler),
        MODELS[Learner.XGB]: bytes(_xgb(trained.models[Learner.XGB]).booster.save_raw("ubj")),
        MODELS[Learner.GB]: msgspec.json.encode(_gb(trained.models[Learner.GB]).forests),
    }
    contents[METADATA] = to_json(metadata_of(trained, chain, contents))
    return [write_file(folder / name, content) for name, content in contents.items()]


def metadata_of(trained: Trained, chain: str | None, contents: Mapping[str, bytes]) -> Metadata:
    """Return what describes these files."""
    series = trained.series
    return Metadata(
        format=FORMAT,
        chain=chain,
        step_ns=series.step_ns,
        options=trained.options,
        features=list(NAMES),
        quantiles=list(QUANTILES),
        first_ns=series.first_ns,
        end_ns=series.first_ns + len(series.gas_gwei) * series.step_ns,
        steps=len(series.gas_gwei),
        steps_known=int((series.gas_gwei > 0).sum()),
        examples=len(trained.examples.places),
        chosen=trained.report.chosen,
        baseline_spreads={name: one.spread.tolist() for name, one in trained.baselines.items()},
        importances={learner: dict(importances(model)) for learner, model in trained.models.items()},
        report=trained.report,
        sha256={name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    )


def read_metadata(folder: Path) -> Metadata | None:
    """Return the description of a folder's forecaster; None where there is none. Raises: Malformed."""
    path = folder / METADATA
    if not path.exists():
        return None
    read = read_json(path, Metadata)
    if (read.format, read.features, read.quantiles) != (FORMAT, list(NAMES), list(QUANTILES)):
        raise Malformed(
            f"{path}: expected a forecaster of format {FORMAT} with this version's features; train anew"
        )
    return read


def read_model(folder: Path, metadata: Metadata, learner: Learner) -> XgbModel | GbModel:
    """Return a model. Raises: Malformed, where a file is not what was written with the description."""
    scaler = decoded(folder / SCALER, _proven(folder, metadata, SCALER), Scaler)
    path = folder / MODELS[learner]
    content = _proven(folder, metadata, path.name)
    if learner is Learner.GB:
        return gb_model(decoded(path, content, list[Forest]), scaler)
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    try:
        booster.load_model(bytearray(content))
    except xgboost.core.XGBoostError as fault:
        raise Malformed(f"{path}: expected a model of XGBoost: {str(fault).splitlines()[0]}") from None
    return XgbModel(booster, scaler)


def baseline_of(metadata: Metadata, baseline: Baseline) -> SpreadBaseline:
    """Return a baseline with how far off it was."""
    return SpreadBaseline(baseline, np.array(metadata.baseline_spreads[baseline]))


def _proven(folder: Path, metadata: Metadata, name: str) -> bytes:
    path, expected = folder / name, metadata.sha256.get(name)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise Malformed(f"{path}: expected the file that {METADATA} describes, found none") from None
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise Malformed(
            f"{path}: expected the file that {METADATA} describes (sha256 {expected}), "
            f"found {len(content)} bytes of another (sha256 {found}); train anew"
        )
    return content


def _xgb(model: XgbModel | GbModel) -> XgbModel:
    assert isinstance(model, XgbModel)
    return model


def _gb(model: XgbModel | GbModel) -> GbModel:
    assert isinstance(model, GbModel)
    return model
