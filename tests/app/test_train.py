"""`tidemill train` writes the files it says, the same for the same seed, from files or stored blocks."""

import csv
import json
from pathlib import Path

import msgspec
import pytest
from tests.learn.made import MINUTE_NS, START_NS, ledger, returning
from tests.store.samples import block
from typer.testing import CliRunner

from tidemill.app.cli import app
from tidemill.app.training.train import TrainOptions, stored_series, trained
from tidemill.learn.gas.forecaster import MarketForecaster
from tidemill.learn.gas.observations import read_series
from tidemill.learn.parameters.q_learning import QLearningAgent
from tidemill.schema import derive
from tidemill.schema.faults import Malformed, Refused
from tidemill.store import StoreSettings, open_store

FILES = {
    "models/forecaster_xgb.ubj",
    "models/forecaster_gb.json",
    "models/forecaster_scaler.json",
    "models/forecaster_metadata.json",
    "models/forecaster_card.md",
    "models/registry.json",
    "models/plots/errors.png",
    "models/plots/importances_xgb.png",
    "models/plots/importances_gb.png",
    "training_data.csv",
    "ledger_report.json",
    "q_table.json",
    "rl_metrics.json",
    "replay_buffer.json",
}


@pytest.fixture(scope="module")
def gas_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    series = returning(420)
    path = tmp_path_factory.mktemp("gas") / "gas.csv"
    rows = zip(series.begins_ns.tolist(), series.gas_gwei.tolist(), strict=True)
    path.write_text("event_ns,gas_gwei\n" + "".join(f"{at},{gas!r}\n" for at, gas in rows))
    return path


def test_the_command_writes_what_the_classes_load(tmp_path: Path, gas_file: Path) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, ledger(100, gain=4))))
    data = tmp_path / "data"
    said = CliRunner().invoke(
        app,
        f"train --samples 400 --episodes 200 --data-dir {data} --observations {gas_file} --json "
        f"--ledger {tmp_path / 'ledger.jsonl'} --horizon-steps 1 --folds 2 --trees 8",
    )
    assert said.exit_code == 0, said.output
    answer = json.loads(said.stdout)
    assert {str(Path(file).relative_to(data)) for file in answer["files"]} == FILES
    assert {str(file.relative_to(data)) for file in data.rglob("*") if file.is_file()} >= FILES
    assert answer["gas"]["steps"] == 400
    assert MarketForecaster(data / "models").predictor == answer["gas"]["chosen"]
    assert QLearningAgent(data).get_action("ethereum_medium_normal")["slippage"] == 1.0
    rows = list(csv.DictReader((data / "training_data.csv").read_text().splitlines()))
    assert len(rows) == answer["gas"]["examples"] == 399
    card = (data / "models/forecaster_card.md").read_text()
    assert answer["gas"]["chosen"] in card
    assert "# Parameters of trades" in card


def test_the_same_seed_gives_the_same_files_and_each_chain_has_its_own(
    tmp_path: Path, gas_file: Path
) -> None:
    options = TrainOptions(chain="polygon", horizon_steps=1, folds=2, trees=8)
    answers = [trained(tmp_path / name, read_series([gas_file]), options) for name in ("one", "two")]
    assert answers[0].agent is None
    assert not (tmp_path / "one" / "q_table.json").exists()
    for one, two in zip(*(answer.files for answer in answers), strict=True):
        assert Path(one).read_bytes() == Path(two).read_bytes()
    MarketForecaster(tmp_path / "one" / "models", chain="polygon")
    assert MarketForecaster(tmp_path / "one" / "models", chain="ethereum").predictor == "last_value"


async def test_blocks_of_the_store_are_learned_from_with_their_next_base_fee(tmp_path: Path) -> None:
    blocks = [
        msgspec.structs.replace(
            block(at),
            event_ns=START_NS + at * MINUTE_NS,
            base_fee_wei=1_000_000_000 + at,
            gas_used=30_000_000,
            gas_limit=30_000_000,
        )
        for at in range(5)
    ]
    async with open_store(f"chdb://{tmp_path / 'store'}", StoreSettings()) as store:
        await store.migrate()
        with pytest.raises(Refused, match="expected one chain whose blocks are stored"):
            await stored_series(store, None, 10)
        await store.insert("block", [derive.to_batch(blocks)], "a")
        series = await stored_series(store, None, 3)
        with pytest.raises(Refused, match="found sandbox"):
            await stored_series(store, "ethereum", 3)
    assert series.gas_gwei.tolist() == [1.000000002, 1.000000003, 1.000000004]
    assert series.next_base_fee_gwei.tolist() == [1.125000002, 1.125000003, 1.125000004]


@pytest.mark.parametrize(
    ("content", "fault", "said"),
    [
        ("a,b\n1,2\n", Refused, "expected one with gas prices"),
        ("gas_gwei\n1\n", Malformed, "expected a column of times"),
        ("timestamp,gas_gwei\nx,1\n", Malformed, "expected times or integers"),
        ("timestamp,gas_gwei\n1,x\n", Malformed, "expected numbers"),
        ("timestamp,gas_gwei\n1,1\n,2\n", Malformed, "expected a time in every row"),
        ("timestamp,gas_gwei\n1700000000000,1\n1700000012000,2\n", Malformed, "expected times that 64 bits"),
        ("time,gas_gwei\n9999-01-01 00:00:00,1\n", Malformed, "expected times that 64 bits"),
        ("", Malformed, "expected a CSV file"),
    ],
)
def test_a_file_without_gas_prices_is_said_so(
    tmp_path: Path, content: str, fault: type[Exception], said: str
) -> None:
    path = tmp_path / "gas.csv"
    path.write_text(content)
    with pytest.raises(fault, match=said):
        read_series([path])


def test_a_row_without_gas_used_tells_no_next_base_fee(tmp_path: Path) -> None:
    path = tmp_path / "gas.csv"
    path.write_text("timestamp,base_fee_gwei,gas_used,gas_limit\n0,8,,30\n60,8,30,30\n")
    assert read_series([path]).next_base_fee_gwei.tolist() == pytest.approx([float("nan"), 9], nan_ok=True)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="expected a CSV file, found none"):
        read_series([tmp_path / "none.csv"])
