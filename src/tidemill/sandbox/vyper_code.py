"""How our own contracts, for what no package carries as bytecode, become bytecode: Vyper, compiled once."""

import hashlib
import os
import re
from functools import cache
from importlib import metadata
from pathlib import Path

from tidemill.schema.faults import Refused, Unreachable

SOURCES = Path(__file__).parent / "vyper"
"""Holds the `.vy` files."""

_REMEDY = 'install it: pip install "tidemill[sandbox]"'

CONTRACTS: dict[str, tuple[str, dict[str, str]]] = {
    "StableSwap2": ("StableSwap", {"N_COINS": "2"}),
    "StableSwap3": ("StableSwap", {"N_COINS": "3"}),
    "ThreePool": ("StableSwap", {"N_COINS": "3", "A_PRECISION": "1", "QUOTES_RAW": "True"}),
    "StableSwapNG3": ("StableSwapNG", {}),
    "PancakeV3PoolDeployer": ("PancakeV3PoolDeployer", {}),
    "PancakeV3Hand": ("PancakeV3Hand", {}),
    "FeeOnTransferToken": ("FeeOnTransferToken", {}),
    "RebasingToken": ("RebasingToken", {}),
    "LyingToken": ("LyingToken", {}),
    "RevertingToken": ("RevertingToken", {}),
    "OrderFillHand": ("OrderFillHand", {}),
    "ArbitrageHand": ("ArbitrageHand", {}),
    "BalancerV3Hand": ("BalancerV3Hand", {}),
}
"""Each contract's source and the constants in it that are set otherwise, as Curve's templates are."""


@cache
def compiled_code(folder: Path, name: str) -> str:
    """Return the 0x-hex creation code of our own contract `name`; it is compiled where `folder` lacks it.

    Raises: Refused where the compiler is not installed; Unreachable where `folder` cannot be written.
    """
    kept = compiled_folder(folder) / f"{name}.hex"
    try:
        return kept.read_text()
    except FileNotFoundError:
        code = _compile(name)
    except OSError as error:
        raise Unreachable(f"expected to read compiled contracts in {kept.parent}, found: {error}") from error
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        # Another process may do the same: each writes its own file, and the last rename wins with equal text.
        partial = kept.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(code)
        partial.rename(kept)
    except OSError as error:
        raise Unreachable(f"expected to write compiled contracts to {kept.parent}, found: {error}") from error
    return code


def compile_all(folder: Path) -> None:
    """Compile what `folder` lacks.

    Raises: as `compiled_code`.
    """
    for name in CONTRACTS:
        compiled_code(folder, name)


@cache
def compiled_folder(folder: Path) -> Path:
    """Return where under `folder` the contracts of these sources and this compiler are.

    Raises: Refused where there is no compiler.
    """
    digest = hashlib.sha256(repr(sorted(CONTRACTS.items())).encode())
    for path in sorted(SOURCES.glob("*.vy")):
        digest.update(path.read_bytes())
    try:
        digest.update(metadata.version("vyper").encode())
    except metadata.PackageNotFoundError as error:
        raise Refused(
            f"expected the Vyper compiler for the sandbox's own contracts, found none; {_REMEDY}"
        ) from error
    return folder / f"vyper-{digest.hexdigest()[:16]}"


def _compile(name: str) -> str:
    import vyper

    file, constants = CONTRACTS[name]
    source = (SOURCES / f"{file}.vy").read_text()
    for constant, value in constants.items():
        pattern = rf"^({constant}: constant\([a-z0-9]+\)) = .+$"
        source, count = re.subn(pattern, rf"\1 = {value}", source, flags=re.MULTILINE)
        assert count == 1, f"{file} has the constant {constant} once"
    return vyper.compile_code(source, output_formats=["bytecode"])["bytecode"]
