"""Where does the executor stand on a chain, or, on paper, where is it put for each simulation?"""

from eth_abi.abi import encode as _encode_abi
from msgspec import Struct, field

from tidemill._rust import keccak256
from tidemill.core.http import HttpEndpoint
from tidemill.execute.plan.executor_code import code_hash, runtime_code
from tidemill.execute.plan.route import Address
from tidemill.execute.simulation.node import ask
from tidemill.execute.simulation.simulation import AccountOverride, Overrides
from tidemill.schema.faults import Malformed, Refused

PAPER_EXECUTOR = keccak256(b"tidemill paper executor")[-20:]
PAPER_OWNER = keccak256(b"tidemill paper owner")[-20:]
PAPER_OPERATOR = keccak256(b"tidemill paper operator")[-20:]
"""Addresses to which nobody has a key: what simulations change there exists nowhere else."""
_OWNER_SLOT = 0
_OPERATORS_SLOT = 2
"""Of contracts/executor.vy; a test compares them with the compiler's."""


class ExecutorSite(Struct, frozen=True, kw_only=True):
    """An executor, who may call it, and to whom it pays."""

    executor: Address
    owner: Address
    operator: Address
    overrides: Overrides = field(default_factory=dict[Address, AccountOverride])
    """What must be made otherwise, for it is not so on the chain."""


async def paper_site(http: HttpEndpoint, executor: Address | None) -> ExecutorSite:
    """Return the executor at that address with an operator of ours, or one that stands nowhere.

    Raises: Refused, where another contract is there; Unreachable, Malformed.
    """
    if executor is None or not (code := await _code(http, executor)):
        slots = {_OWNER_SLOT: int.from_bytes(PAPER_OWNER), _operator_slot(PAPER_OPERATOR): 1}
        made = AccountOverride(code=runtime_code(), slots=slots)
        address = executor or PAPER_EXECUTOR
        return ExecutorSite(
            executor=address, owner=PAPER_OWNER, operator=PAPER_OPERATOR, overrides={address: made}
        )
    check_code(executor, code)
    return ExecutorSite(
        executor=executor,
        owner=await owner_of(http, executor),
        operator=PAPER_OPERATOR,
        overrides={executor: AccountOverride(slots={_operator_slot(PAPER_OPERATOR): 1})},
    )


async def live_site(http: HttpEndpoint, executor: Address | None, operator: Address) -> ExecutorSite:
    """Return the executor at that address, which `operator` may call as it is.

    Raises: Refused, where none is set or there, another contract is, or it takes no plans of `operator`;
        Unreachable, Malformed.
    """
    if executor is None:
        raise Refused("LIVE: expected EXECUTOR_ADDRESS to have the executor's address, found none")
    check_code(executor, await _code(http, executor))
    slot = hex(_operator_slot(operator))
    [told] = await ask(http, [("eth_getStorageAt", ["0x" + executor.hex(), slot, "latest"])])
    if not any(_hex_bytes(http, told)):
        raise Refused(
            f"executor 0x{executor.hex()}: expected 0x{operator.hex()} to be its operator, it is not: its"
            " owner makes it one by set_operator"
        )
    return ExecutorSite(executor=executor, owner=await owner_of(http, executor), operator=operator)


def check_code(executor: Address, code: bytes) -> None:
    """Raise Refused, where `code` is not the executor's."""
    if keccak256(code) != code_hash():
        raise Refused(
            f"executor 0x{executor.hex()}: expected code of hash 0x{code_hash().hex()}, found"
            f" 0x{keccak256(code).hex()}: it is another contract, or of another release"
        )


async def owner_of(http: HttpEndpoint, executor: Address) -> Address:
    """Return to whom an executor pays. Raises: Unreachable, Refused, Malformed."""
    [told] = await ask(http, [("eth_getStorageAt", ["0x" + executor.hex(), hex(_OWNER_SLOT), "latest"])])
    return _hex_bytes(http, told)[-20:]


async def _code(http: HttpEndpoint, executor: Address) -> bytes:
    [told] = await ask(http, [("eth_getCode", ["0x" + executor.hex(), "latest"])])
    return _hex_bytes(http, told)


def _hex_bytes(http: HttpEndpoint, told: object) -> bytes:
    try:
        return bytes.fromhex(str(told).removeprefix("0x"))
    except ValueError as error:
        raise Malformed(f"{http.endpoint}: expected 0x and digits, found {told!r:.80}") from error


def _operator_slot(operator: Address) -> int:
    """Return where Vyper keeps a mapping's value: at the hash of the mapping's slot and the key."""
    return int.from_bytes(keccak256(_encode_abi(["uint256", "address"], [_OPERATORS_SLOT, operator])))
