"""What does a second layer take besides gas: the questions to its contracts, and what the answers mean."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from tidemill.core.http import HttpEndpoint
from tidemill.execute.chain_facts import FeeRule
from tidemill.execute.plan.route import Address
from tidemill.execute.simulation.node import Question, Said, ask_each
from tidemill.schema.faults import Malformed

_ORACLE = "0x420000000000000000000000000000000000000f"
"""GasPriceOracle of the OP stack. Source: protocol's list of predeploys."""
_L1_FEE = "49948e0e"
"""getL1Fee(bytes): of a transaction without its signature, for which the contract adds 68 bytes."""
_OPERATOR_FEE = "275aedd2"
"""getOperatorFee(uint256); contracts from before Isthmus have none and revert."""
_SCROLL_ORACLE = "0x5300000000000000000000000000000000000002"
"""L1GasPriceOracle of Scroll."""
_NODE_INTERFACE = "0x00000000000000000000000000000000000000c8"
"""Arbitrum's, which nodes answer for; it is not on the chain."""
_COMPONENTS = "c94e6eeb"
"""gasEstimateComponents(address,bool,bytes)."""
_OTHER_FIELDS = b"\xff" * 80
"""As long as nonce, fees, gas, address and lengths together can be; bytes that are not zero cost the most."""


_IN_THE_GAS = frozenset({FeeRule.EIP1559, FeeRule.LINEA, FeeRule.ZKSYNC})


class Priced(NamedTuple):
    """A transaction whose data is to be priced."""

    sender: Address
    to: Address
    data: bytes
    gas: int
    """That it may take, or took."""


class DataCost(NamedTuple):
    """What a transaction's data takes besides what its call uses."""

    fee_wei: int = 0
    gas: int = 0


async def data_costs(
    http: HttpEndpoint, rule: FeeRule, priced: Sequence[Priced], at: str = "latest"
) -> list[DataCost]:
    """Return what the data of each costs by the chain's state at a block; of most chains nothing is asked.

    Raises: Unreachable, Refused, Malformed where the node, or the contract, does not tell.
    """
    if rule in _IN_THE_GAS:
        return [DataCost()] * len(priced)
    asked = [questions(rule, one, at) for one in priced]
    each = [question for of_one in asked for question in of_one]
    answers = iter(await ask_each(http, each))
    costs: list[DataCost] = []
    for of_one in asked:
        told = [next(answers) for _ in of_one]
        known = [None if isinstance(one, Said) and one.error.is_reverted else one for one in told]
        costs.append(DataCost(data_fee_wei(rule, known), data_gas(rule, known)))
    return costs


def questions(rule: FeeRule, priced: Priced, at: str = "latest") -> list[Question]:
    """Return what to ask a node about a transaction before it is sent; nothing of most chains."""
    sender, to, data, gas_limit = priced
    match rule:
        case FeeRule.OP_STACK | FeeRule.MANTLE:
            gas = encode(["uint256"], [gas_limit])
            return [_call(_ORACLE, _L1_FEE, _data(data), at), _call(_ORACLE, _OPERATOR_FEE, gas, at)]
        case FeeRule.SCROLL:
            return [_call(_SCROLL_ORACLE, _L1_FEE, _data(data), at)]
        case FeeRule.ARBITRUM:
            asked = encode(["address", "bool", "bytes"], ["0x" + to.hex(), False, data])
            return [_call(_NODE_INTERFACE, _COMPONENTS, asked, at, sender)]
        case _:
            return []  # all of it is in the gas


def data_fee_wei(rule: FeeRule, answers: list[Any]) -> int:
    """Return what is paid besides gas times price; None in `answers` is a call that reverted.

    Raises: Malformed.
    """
    if rule not in (FeeRule.OP_STACK, FeeRule.MANTLE, FeeRule.SCROLL):
        return 0
    l1_fee, *operator_fees = answers
    # Contracts from before Isthmus know no operator fee, for there is none.
    return _words(l1_fee, 1)[0] + sum(_words(one, 1)[0] for one in operator_fees if one is not None)


def data_gas(rule: FeeRule, answers: list[Any]) -> int:
    """Return the gas that the data takes besides what the call uses.

    Raises: Malformed.
    """
    return _words(answers[0], 4)[1] if rule == FeeRule.ARBITRUM else 0


def _data(data: bytes) -> bytes:
    return encode(["bytes"], [_OTHER_FIELDS + data])


def _call(to: str, selector: str, arguments: bytes, at: str, sender: Address | None = None) -> Question:
    asked = {"to": to, "data": f"0x{selector}{arguments.hex()}"}
    return "eth_call", [asked | ({"from": "0x" + sender.hex()} if sender else {}), at]


def _words(answer: Any, count: int) -> tuple[int, ...]:
    try:
        return decode(["uint256"] * count, bytes.fromhex(answer.removeprefix("0x")))
    except (AttributeError, ValueError, DecodingError, TypeError) as error:
        raise Malformed(f"fees: expected {count} numbers of a contract, found {answer!r:.80}") from error
