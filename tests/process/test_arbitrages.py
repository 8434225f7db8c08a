"""An event says what the report of its transaction says, of its circle that is worth most."""

from typing import Any

from tidemill.process.arbitrages import InspectedBlock, arbitrages_of
from tidemill.schema import derive
from tidemill.schema.events import ArbitrageKind, CircleShape, SandwichRole

BLOCK = InspectedBlock(
    source="made", chain_id=1, number=7, hash=b"\x07" * 32, event_ns=7_000_000_000, recv_ns=7_500_000_000
)


def circle(token: str, profit: int, native: int | None, swaps: list[int]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "account": "0xb0",
        "shape": "chain",
        "verdict": "profit",
        "confidence": 0.5,
        "profit_token": token,
        "start_amount": "100",
        "end_amount": str(100 + profit),
        "profit_amount": str(profit),
        "swaps": swaps,
    }
    if native is not None:
        told |= {"profit_native_wei": str(native), "net_profit_wei": str(native - 42), "profit_usd": "1.5"}
    return told


def swap(pool: str, token: str) -> dict[str, Any]:
    return {"protocol": "uniswap_v2_like", "pool": pool, "token_in": token, "token_out": "0xt9"}


def tx(kind: str, *circles: dict[str, Any], **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"tx_hash": "0x1", "tx_index": 3, "kind": kind, "tip_wei": "5", "from": "0xaa"}
    told |= {"swaps": [swap("0xp0", "0xt0"), swap("0xp1", "0xt1"), swap("0xp2", "0xt0")]}
    return told | ({"arbitrages": list(circles)} if circles else {}) | more


def report(*txs: dict[str, Any], sandwiches: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"base_fee_wei": "10", "transactions": list(txs), "sandwiches": list(sandwiches)}


def test_the_circle_that_is_worth_most_is_told_and_all_are_counted() -> None:
    circles = circle("0xt7", 10**30, None, [0]), circle("0xt0", 9, 90, [0, 1]), circle("0xt1", 8, 80, [2])
    (event,) = arbitrages_of(report(tx("arbitrage", *circles, gas_price_wei="12", fee_wei="42")), BLOCK)
    assert (event.kind, event.shape) == (ArbitrageKind.ARBITRAGE, CircleShape.CHAIN)
    assert (event.circle_count, event.hop_count) == (3, 2)
    assert (event.pools, event.tokens) == ("0xp0,0xp1", "0xt0,0xt1")
    assert (event.profit, event.profit_native_wei, event.net_profit_native_wei) == (9, 90, 48)
    assert (event.priority_fee_wei, event.gas_cost_wei, event.tip_wei) == (2, 42, 5)
    assert (event.profit_usd, event.net_profit_usd) == (1.5, None)
    assert derive.to_batch([event]).num_rows == 1


def test_what_is_no_circle_is_no_event_and_what_failed_has_its_swaps_alone() -> None:
    told = report(tx("swap"), tx("liquidation", circle("0xt0", 9, 90, [0])), tx("failed_arbitrage"))
    (event,) = arbitrages_of(told, BLOCK)
    assert event.kind is ArbitrageKind.FAILED_ARBITRAGE
    assert (event.circle_count, event.hop_count, event.profit, event.shape) == (0, 3, None, None)


def test_the_largest_loan_of_the_profit_token_is_told() -> None:
    def loan(token: str, amount: int) -> dict[str, str]:
        return {"lender": f"0x{amount}", "token": token, "amount": str(amount), "fee": "1"}

    loans = [loan("0xt5", 900), loan("0xt0", 30), loan("0xt0", 70)]
    (event,) = arbitrages_of(report(tx("arbitrage", circle("0xt0", 9, 90, [0]), flash_loans=loans)), BLOCK)
    assert (event.loan_source, event.loan_amount, event.loan_fee) == ("0x70", 70, 1)
    (event,) = arbitrages_of(report(tx("arbitrage", circle("0xt8", 9, 90, [0]), flash_loans=loans)), BLOCK)
    assert (event.loan_token, event.loan_amount) == ("0xt5", 900)


def test_a_role_in_a_sandwich_is_told_and_who_sandwiches_is_no_victim() -> None:
    first = {"front_tx": "0x0", "back_tx": "0x2", "victim_txs": ["0x1"]}
    second = {"front_tx": "0x1", "back_tx": "0x3", "victim_txs": ["0x9"]}
    for sandwiches, role in (((first,), SandwichRole.VICTIM), ((second, first), SandwichRole.FRONT)):
        told = report(tx("arbitrage", circle("0xt0", 9, 90, [0])), sandwiches=sandwiches)
        assert arbitrages_of(told, BLOCK)[0].sandwich_role is role


def test_what_no_int256_holds_is_absent_and_the_event_is_kept() -> None:
    limit = 1 << 255
    for size, is_told in ((limit - 1, True), (limit, False), (-limit, True), (-limit - 1, False)):
        told = circle("0xt0", 9, 90, [0, 1])
        told |= dict.fromkeys(("profit_amount", "profit_native_wei", "net_profit_wei"), str(size))
        (event,) = arbitrages_of(report(tx("arbitrage", told)), BLOCK)
        assert event.profit == event.profit_native_wei == event.net_profit_native_wei
        assert event.profit == (size if is_told else None)
        assert derive.to_batch([event]).num_rows == 1


def test_a_circle_whose_worth_no_int256_holds_is_not_the_one_that_is_worth_most() -> None:
    circles = circle("0xt0", 9, 1 << 255, [0, 1]), circle("0xt1", 8, 80, [2])
    (event,) = arbitrages_of(report(tx("arbitrage", *circles)), BLOCK)
    assert (event.token, event.profit_native_wei) == ("0xt1", 80)
