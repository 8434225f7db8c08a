"""Is the code that is deployed what contracts/executor.vy says, and are its numbers those of Python?"""

import importlib.util
import re
from pathlib import Path

import pytest

import tidemill.execute.plan
from tidemill.execute.plan.executor_code import code_hash, creation_code, runtime_code
from tidemill.execute.plan.kinds import HopKind, LoanSource

ROOT = Path(__file__).parents[2]
FOLDER = Path(tidemill.execute.plan.__file__).parent
SOURCE = (ROOT / "contracts/executor.vy").read_text()


def test_the_kept_code_is_what_the_source_compiles_to() -> None:
    spec = importlib.util.spec_from_file_location("compile_executor", ROOT / "contracts/compile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, text in module.compiled().items():
        assert (FOLDER / name).read_text() == text, f"run contracts/compile.py: {name}"


def test_the_code_fits_on_every_chain() -> None:
    assert len(runtime_code()) <= 24_576
    assert len(creation_code(bytes(20), bytes(20))) <= 49_152
    assert len(code_hash()) == 32


@pytest.mark.parametrize("one", [*LoanSource, *HopKind], ids=lambda one: f"{type(one).__name__}.{one.name}")
def test_a_number_means_the_same_in_the_contract_and_in_the_table(one: LoanSource | HopKind) -> None:
    prefix = "HOP_" if isinstance(one, HopKind) else ""
    assert f"\n{prefix}{one.name}: constant(uint256) = {one.value}\n" in SOURCE
    page = (ROOT / "docs/guide/executor.md").read_text()
    column = 3 if isinstance(one, HopKind) else 0
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]]
        for row in re.findall(r"^\| \d.*$", page, re.MULTILINE)
    ]
    numbers = {row[column + 1]: row[column] for row in rows}
    assert numbers[f"`{one.name}`"] == str(one.value)
