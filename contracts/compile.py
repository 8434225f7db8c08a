"""Compile the executor: `python contracts/compile.py` writes its code beside what reads it."""

from pathlib import Path

import vyper

SOURCE = Path(__file__).parent / "executor.vy"
INTO = Path(__file__).parents[1] / "src/tidemill/execute/plan"


def compiled() -> dict[str, str]:
    """Return the files that hold the creation and the runtime code, as hex."""
    code = vyper.compile_code(SOURCE.read_text(), output_formats=["bytecode", "bytecode_runtime"])
    return {
        "executor.hex": code["bytecode"][2:] + "\n",
        "executor_runtime.hex": code["bytecode_runtime"][2:] + "\n",
    }


if __name__ == "__main__":
    for name, text in compiled().items():
        (INTO / name).write_text(text)
