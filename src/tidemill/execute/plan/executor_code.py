"""What is the executor's code: what creates it, and what a chain must hold where it stands."""

from functools import cache
from importlib import resources

from eth_abi.abi import encode as _encode_abi

from tidemill._rust import keccak256
from tidemill.execute.plan.route import Address


def creation_code(owner: Address, operator: Address) -> bytes:
    """Return the transaction data that creates an executor with its owner and first operator."""
    return _code("executor.hex") + _encode_abi(["address", "address"], [owner, operator])


def runtime_code() -> bytes:
    """Return the code that stands on the chain; it has no immutable values, so it is the same everywhere."""
    return _code("executor_runtime.hex")


def code_hash() -> bytes:
    """Return the Keccak-256 hash of the code that stands on the chain."""
    return keccak256(runtime_code())


@cache
def _code(file: str) -> bytes:
    return bytes.fromhex((resources.files("tidemill.execute.plan") / file).read_text().strip())
