"""Whales on a chain: told once, on the right side, over splits, venues, ghosts, restarts and reorgs."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.process.whales.chain import COLLATERAL, MAKER, START_S, Chain, S, bought, made, match_of, sold
from tests.rust.orders import EXCHANGE, OTHER, TAKER, TOKEN, UNIT, filled_v2, logs_of, transferred

from tidemill.process.whales.book import Settling, WhaleBook
from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.seen import Watched
from tidemill.schema import derive
from tidemill.schema.derive import identity

TX = b"\x55" * 32


def test_a_whale_s_trade_is_told_with_the_fields_of_its_message() -> None:
    chain = Chain()
    chain.block((TX, made(MAKER, TAKER, is_buy=False, size=100)), (TX, bought(100, 50)))
    [trade] = chain.of("whale_trade")
    assert trade["trade_id"] == f"0x{TX.hex()}:1"
    assert (trade["trader_address"], trade["token_id"], trade["side"]) == (TAKER, str(TOKEN), "buy")
    assert (trade["size"], trade["price"], trade["amount"]) == (100, Decimal("0.5"), 50)
    assert (trade["event_ns"], trade["detected_ns"]) == ((START_S + 2) * S, (START_S + 2) * S + 9)
    assert (trade["state"], trade["reason"], trade["role"]) == ("settled", "registered", "taker")
    assert trade["block_number"] == 1
    assert len(chain.of("wallet_trade")) == 2, "every wallet's trade is kept"


def test_wallets_that_nobody_watches_are_not_told() -> None:
    chain = Chain(watched=())
    chain.block(bought(100_000))
    assert {kind for kind, _ in chain.told} == {"wallet_trade"}


def test_split_orders_are_joined_until_the_window_is_over() -> None:
    chain = Chain()
    chain.block(bought(100, 50), bought(50, 56))
    chain.block(bought(50, 60))
    orders = chain.of("whale_order")
    assert [(row["status"], row["size"], row["trade_count"]) for row in orders] == [
        ("open", 150, 2),
        ("open", 200, 3),
    ]
    assert orders[1]["price"] == Decimal("0.54")
    assert len({row["order_id"] for row in chain.of("whale_trade")}) == 1
    chain.block(after_s=11)
    assert chain.of("whale_order")[-1]["status"] == "closed"
    chain.block(bought(1))
    assert chain.of("whale_order")[-1]["trade_count"] == 1


def test_buys_and_sales_are_orders_of_their_own() -> None:
    chain = Chain()
    chain.block(bought(10), sold(5))
    assert [(row["side"], row["size"]) for row in chain.of("whale_order")] == [("buy", 10), ("sell", 5)]


def test_positions_open_grow_shrink_and_close_at_average_cost() -> None:
    chain = Chain()
    chain.block(bought(100, 40))
    chain.block(bought(100, 60))
    chain.block(sold(150, 70))
    chain.block(sold(80, 80))
    told = [
        (row["change"], row["size"], row["average_price"], row["realized_pnl"], row["unseen_size"])
        for row in chain.of("whale_position")
    ]
    assert told == [
        ("opened", 100, Decimal("0.4"), None, None),
        ("increased", 200, Decimal("0.5"), None, None),
        ("reduced", 50, Decimal("0.5"), 30, None),
        ("closed", 0, None, 15, 30),
    ]


def test_an_unknown_wallet_is_told_where_its_order_is_large_for_its_market() -> None:
    config = WhaleConfig(market_orders_min=20, large_multiple=20, large_amount_min=Decimal(1_000))
    chain = Chain(config, watched=())
    for number in range(20):
        chain.block(bought(100, 50, wallet=bytes([number + 1]) * 20), after_s=20)
    assert not chain.of("whale_trade")
    chain.block(after_s=20)
    chain.block(bought(1_000, 50))
    assert not chain.of("whale_trade"), "500 is ten times what is usual"
    chain.block(bought(1_200, 50))
    [trade] = chain.of("whale_trade")
    assert (trade["reason"], trade["usual_amount"]) == ("large", 50)
    [order] = chain.of("whale_order")
    assert (order["amount"], order["trade_count"]) == (1_100, 2), "its parts make it large together"


def test_what_is_large_in_one_market_is_not_in_another() -> None:
    chain = Chain(watched=())
    for number in range(21):
        chain.block(bought(50_000, 50, wallet=bytes([number + 1]) * 20), after_s=20)
    chain.block(bought(60_000, 50, wallet=OTHER), after_s=20)
    chain.block(bought(60_000, 50, wallet=OTHER, token=5), after_s=20)
    assert not chain.of("whale_trade"), "of the second market nothing is known"


# --- matched, settled, ghost


def test_a_trade_that_its_venue_tells_first_is_told_once_and_then_settled() -> None:
    chain = Chain()
    chain.block()
    chain.hear(match_of(TX, TOKEN))
    chain.hear(match_of(TX, TOKEN, sequence=2))
    [matched] = chain.of("whale_trade")
    assert (matched["state"], matched["source"], matched["block_hash"]) == ("matched", "polymarket", None)
    chain.block((TX, bought(60)), (TX, bought(40)))
    assert len(chain.of("whale_trade")) == 1
    [settled] = chain.of("whale_settlement")
    assert (settled["state"], settled["trade_id"], settled["size"]) == ("settled", matched["trade_id"], 100)
    assert [row["size"] for row in chain.of("whale_position")] == [100]
    assert {row["order_id"] for row in chain.of("whale_order")} == {matched["order_id"]}


@pytest.mark.parametrize("size", ["0", "1"])
def test_a_trade_of_no_shares_that_a_venue_tells_is_none(size: str) -> None:
    book = WhaleBook(Settling("polymarket", 0, {}), WhaleConfig(), 1)
    book.watch({TAKER: Watched()})
    book.told(derive.to_batch([match_of(TX, TOKEN, size)]), 3)
    told = {tag for tag, _ in book.take().whales}
    assert told == (set() if size == "0" else {"whale_trade", "whale_order", "whale_position"})


def test_what_a_venue_tells_of_long_ago_is_history_and_no_match() -> None:
    chain = Chain(WhaleConfig(ghost_after_s=60))
    chain.block(after_s=120)
    chain.hear(match_of(TX, TOKEN))
    chain.block(after_s=120)
    assert not chain.told


def test_a_wallet_that_is_watched_no_more_is_not_told_and_what_it_holds_is_remembered() -> None:
    chain = Chain()
    chain.block(bought(100))
    chain.book.watch({})
    chain.forget()
    chain.block(bought(50))
    assert {tag for tag, _ in chain.told} == {"wallet_trade"}
    chain.block(after_s=20)
    chain.book.watch({TAKER: Watched()})
    chain.block(sold(150))
    [position] = chain.of("whale_position")
    assert (position["change"], position["size_before"]) == ("closed", 150)


def test_a_trade_that_the_chain_has_already_is_not_told_again_by_its_venue() -> None:
    chain = Chain()
    chain.block((TX, bought()))
    chain.hear(match_of(TX, TOKEN))
    assert len(chain.of("whale_trade")) == 1
    assert not chain.of("whale_settlement")


def test_a_match_that_no_block_has_in_time_is_a_ghost_and_may_still_settle() -> None:
    chain = Chain(WhaleConfig(ghost_after_s=60))
    chain.block()
    chain.hear(match_of(TX, TOKEN))
    chain.block(after_s=30)
    assert not chain.of("whale_settlement")
    chain.block(after_s=60)
    assert [row["state"] for row in chain.of("whale_settlement")] == ["ghost"]
    assert not chain.of("whale_position"), "what is not settled moves no position"
    chain.block()
    assert len(chain.of("whale_settlement")) == 1, "it is told once"
    chain.block((TX, bought()))
    assert [row["state"] for row in chain.of("whale_settlement")] == ["ghost", "settled"]


def test_a_match_is_settled_though_its_wallet_is_watched_no_more() -> None:
    chain = Chain()
    chain.hear(match_of(TX, TOKEN))
    chain.book.watch({})
    chain.block((TX, bought()))
    assert [row["state"] for row in chain.of("whale_settlement")] == ["settled"]
    assert len(chain.of("whale_trade")) == 1


def test_a_match_without_a_transaction_is_left_out_where_the_chain_settles() -> None:
    chain = Chain()
    chain.hear(match_of(None, TOKEN))
    assert not chain.told


# --- reorgs and restarts


def test_a_reorg_takes_back_position_and_settlement_and_the_trade_is_told_of_its_new_block() -> None:
    chain = Chain()
    chain.block(bought(100, 40))
    chain.hear(match_of(TX, TOKEN))
    chain.block((TX, bought(100)))
    chain.forget()
    chain.revert()
    [position] = chain.of("whale_position")
    assert (position["change"], position["size"], position["size_before"]) == ("restated", 100, 200)
    assert [row["state"] for row in chain.of("whale_settlement")] == ["reverted"]
    chain.branch = 1
    chain.block()
    chain.block((TX, bought(100)))
    assert [row["state"] for row in chain.of("whale_settlement")] == ["reverted", "settled"]
    assert chain.of("whale_position")[-1]["size"] == 200
    assert not chain.of("whale_trade"), "its venue told it, and it still stands"


def test_a_block_that_comes_back_tells_its_trades_no_second_time() -> None:
    chain = Chain()
    chain.block(bought(100))
    chain.block(bought(100))
    gone = chain.revert()
    chain.restore(*gone)
    assert len(chain.of("whale_trade")) == 2
    assert [row["size"] for row in chain.of("whale_position")] == [100, 200, 100, 200]
    chain.block(sold(200))
    assert chain.of("whale_position")[-1]["change"] == "closed"


def test_a_log_that_a_block_lacked_is_told_by_itself_when_it_comes_back() -> None:
    chain = Chain()
    chain.block(bought(100))
    gone, _ = chain.revert()
    told = [(TX, bought(100)), (TX, sold(30))]
    whole = logs_of(gone, told)
    chain.forget()
    chain.restore(gone, whole, [1])
    [trade] = chain.of("whale_trade")
    assert (trade["side"], trade["size"], trade["row"]) == ("sell", 30, 1)
    assert [row["size"] for row in chain.of("whale_position")] == [100, 70]
    chain.revert()
    assert chain.of("whale_position")[-1]["size"] == 0, "both are taken back"


steps = st.lists(
    st.sampled_from(["buy", "sell", "empty", "revert", "restore", "match", "settle"]), max_size=24
)


@given(steps, st.sets(st.integers(0, 24)))
@example(path=["buy", "sell", "buy", "empty", "empty"], restarts={3})  # orders close the oldest first
def test_a_restart_anywhere_changes_nothing_and_nothing_is_told_twice(
    path: list[str], restarts: set[int]
) -> None:
    steady, restarted = Chain(), Chain()
    for chain in (steady, restarted):
        gone: list[object] = []
        for number, step in enumerate(path):
            if chain is restarted and number in restarts:
                chain.restart()
            walk(chain, step, number, gone)
    assert steady.told == restarted.told
    for tag in ("whale_trade", "whale_order", "whale_position", "whale_settlement"):
        names = [tuple(row[name] for name in identity(tag)) for row in steady.of(tag)]
        assert len(names) == len(set(names)), tag


def _matched(number: int) -> bytes:
    """Return a transaction that no block has but the one that settles it."""
    return (1_000 + number).to_bytes(32, "big")


def walk(chain: Chain, step: str, number: int, gone: list[object]) -> None:
    """Take one step of a random life; a block may come back where nothing came after it."""
    if step == "revert" and chain.sealed:
        gone.append(chain.revert())
        return
    if step == "restore" and gone:
        chain.restore(*gone.pop())  # type: ignore[misc]
        return
    if step == "match":
        chain.hear(match_of(_matched(number), TOKEN, sequence=number))
        return
    gone.clear()
    chain.branch = number
    if step == "buy":
        chain.block(bought(7))
    elif step == "sell":
        chain.block(sold(3))
    elif step == "settle":
        chain.block((_matched(number - 1), bought(100)))
    elif step == "empty":
        chain.block(after_s=7)


# --- manipulation and links


def test_wallets_funded_by_one_wallet_that_trade_with_each_other_are_flagged() -> None:
    chain = Chain(watched=())
    purse = b"\x99" * 20
    chain.block(
        transferred(COLLATERAL, purse, MAKER, 10 * UNIT), transferred(COLLATERAL, purse, TAKER, 10 * UNIT)
    )
    chain.block((TX, made(MAKER, TAKER, is_buy=False)), (TX, bought(1_000)))
    [alert] = chain.of("whale_alert")
    assert (alert["kind"], alert["trader_address"], alert["counterparty"]) == ("wash", MAKER, TAKER)
    assert f"0x{purse.hex()}" in alert["evidence"]


def test_dust_that_a_stranger_sends_first_hides_no_funder() -> None:
    chain = Chain(watched=())
    purse, stranger = b"\x99" * 20, b"\x98" * 20
    chain.block(transferred(COLLATERAL, stranger, MAKER, 10 * UNIT - 1))
    chain.block(*(transferred(COLLATERAL, purse, wallet, 10 * UNIT) for wallet in (MAKER, TAKER)))
    chain.block((TX, made(MAKER, TAKER, is_buy=False)), (TX, bought(1_000)))
    [alert] = chain.of("whale_alert")
    assert f"0x{purse.hex()}" in alert["evidence"]


def test_a_ring_of_three_is_flagged_though_each_was_funded_by_the_one_before() -> None:
    chain = Chain(watched=())
    ring = [MAKER, TAKER, OTHER]
    chain.block(transferred(COLLATERAL, b"\x99" * 20, MAKER, 10 * UNIT))
    chain.block(
        transferred(COLLATERAL, MAKER, TAKER, 10 * UNIT), transferred(COLLATERAL, TAKER, OTHER, 10 * UNIT)
    )
    for buyer, seller in zip(ring, [*ring[1:], MAKER], strict=True):
        chain.block(made(buyer, seller, is_buy=True))
    told = [(alert["trader_address"], alert["counterparty"]) for alert in chain.of("whale_alert")]
    assert told == [(MAKER, TAKER), (TAKER, OTHER), (OTHER, MAKER)]


def test_a_hub_and_the_exchange_itself_link_nobody() -> None:
    chain = Chain(WhaleConfig(hub_wallets_max=3), watched=())
    hub = b"\x99" * 20
    wallets = [MAKER, TAKER, *(bytes([n]) * 20 for n in range(1, 4))]
    chain.block(*(transferred(COLLATERAL, hub, wallet, 10 * UNIT) for wallet in wallets))
    chain.block(*(transferred(COLLATERAL, EXCHANGE, wallet, 10 * UNIT) for wallet in wallets))
    chain.block((TX, made(MAKER, TAKER, is_buy=False)), (TX, bought(1_000)))
    assert not chain.of("whale_alert")


def test_the_funder_of_a_watched_wallet_is_told() -> None:
    chain = Chain()
    chain.block(transferred(COLLATERAL, OTHER, TAKER, 25 * UNIT), transferred(COLLATERAL, MAKER, TAKER, 1))
    [link] = chain.of("whale_link")
    assert (link["wallet"], link["funder"], link["amount"]) == (TAKER, OTHER, 25)


def test_two_wallets_that_trade_back_and_forth_are_flagged_with_their_trades() -> None:
    chain = Chain(watched=())
    for turn in range(4):
        chain.block(made(MAKER, TAKER, is_buy=bool(turn % 2)))
    [alert] = chain.of("whale_alert")
    assert alert["kind"] == "wash"
    assert alert["evidence"].count(":0") == 4


def test_two_wallets_that_trade_one_way_are_not() -> None:
    chain = Chain(watched=())
    for _ in range(6):
        chain.block(made(MAKER, TAKER, is_buy=True))
    assert not chain.of("whale_alert")


@pytest.mark.parametrize(("others", "is_told"), [(0, True), (3, False)])
def test_a_price_moved_far_by_one_wallet_is_a_spike(others: int, is_told: bool) -> None:
    chain = Chain(watched=())
    chain.block(bought(1_000, 40, wallet=MAKER))
    for number in range(others):
        chain.block(bought(2_000, 45, wallet=bytes([number + 1]) * 20))
    chain.block(bought(1_000, 48))
    chain.block(bought(1_000, 52))
    alerts = chain.of("whale_alert")
    assert bool(alerts) == is_told
    if is_told:
        assert (alerts[0]["kind"], alerts[0]["trader_address"]) == ("spike", TAKER)


def test_fills_of_several_tokens_and_wallets_keep_to_themselves() -> None:
    chain = Chain(watched=(TAKER, OTHER))
    chain.block(bought(10, token=1), bought(20, token=2), bought(30, token=1, wallet=OTHER))
    sizes = {(row["trader_address"], row["token_id"]): row["size"] for row in chain.of("whale_position")}
    assert sizes == {(TAKER, "1"): 10, (TAKER, "2"): 20, (OTHER, "1"): 30}


def test_a_maker_s_order_is_told_as_the_maker_s() -> None:
    chain = Chain(watched=(MAKER,))
    chain.block(filled_v2(MAKER, TAKER, is_buy=False, size=UNIT, amount=UNIT // 4))
    [trade] = chain.of("whale_trade")
    assert (trade["side"], trade["role"], trade["price"]) == ("sell", "maker", Decimal("0.25"))
