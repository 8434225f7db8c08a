"""Whether what was told of arbitrages is counted by where and what, and gains in SOL where they are."""

from tests.store.samples import arbitrage

from tidemill.app.chains.gains import Gains
from tidemill.core.clock import NS_PER_S
from tidemill.process.pools import Batches
from tidemill.schema import derive
from tidemill.schema.events import Arbitrage


def told(*rows: tuple[str, int | None]) -> Batches:
    fields = Arbitrage.__struct_fields__
    whole = [
        arbitrage(number, source=source, net_profit_native_wei=net)
        for number, (source, net) in enumerate(rows)
    ]
    return [
        ("arbitrage", derive.to_batch([Arbitrage(**{name: getattr(one, name) for name in fields})]))
        for one in whole
    ]


def test_gains_are_in_sol_of_clusters_alone() -> None:
    gains = Gains({"solana": None})
    gains.take(told(("eth", 10**18), ("solana", -(2 * 10**9)), ("solana", None), ("solana", 5 * 10**8)), 0)
    assert gains.net_sol == {"solana": -1.5}
    assert gains.transactions == {
        ("eth", "losing_circle"): 1,
        ("solana", "arbitrage"): 2,
        ("solana", "losing_circle"): 1,
    }


def test_a_rate_is_of_the_last_minute() -> None:
    gains = Gains(())
    gains.take(told(("eth", None), ("eth", None)), 0)
    gains.take([("swap", told(("eth", None))[0][1])], 0)
    assert gains.rates["eth"].per_s(59 * NS_PER_S) == 2 / 60
    assert gains.rates["eth"].per_s(60 * NS_PER_S) == 0
