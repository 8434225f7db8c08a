"""How a thousand swaps are foretold, asked of a pool's own contracts, and made, each in a few requests."""

from collections.abc import Sequence
from math import exp, log
from random import Random

import msgspec
from msgspec import Struct, field

from tidemill.sandbox import abi
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.sandbox.site import FEES
from tidemill.sandbox.venues import VENUES, Leg
from tidemill.sandbox.venues.venue import further_senders
from tidemill.sandbox.world import FurtherPool, World

SWAPS = 1_000
"""Of each kind of pool."""

_TRANSFER = abi.topic("Transfer(address,address,uint256)")
_CALLS_A_REQUEST = 500
_GAS = hex(3_000_000)


def random_legs(
    world: World, pool: FurtherPool, seed: int | str, shares: tuple[float, float], count: int = SWAPS
) -> list[Leg]:
    """Return `count` swaps: any two tokens, sizes between these shares of the depth."""
    random = Random(seed)
    units = {token.address: 10**token.decimals / token.start_price_usd for token in world.tokens}
    legs: list[Leg] = []
    for _ in range(count):
        token_in, token_out = random.sample(range(len(pool.tokens)), 2)
        share = exp(random.uniform(*map(log, shares)))
        legs.append(
            Leg(token_in, token_out, max(1, int(share * pool.depth_usd * units[pool.tokens[token_in]])))
        )
    return legs


class Log(Struct, frozen=True):
    """A log of a transaction."""

    address: str
    topics: list[str]
    data: str


class Receipt(Struct, frozen=True):
    """What became of a transaction."""

    number: str = field(name="blockNumber")
    status: str
    logs: list[Log]


async def told_out(world: World, pool: FurtherPool, legs: Sequence[Leg]) -> list[int | None]:
    """Return what the contracts say that each size buys; None where they refuse."""
    venue = VENUES[pool.protocol]
    answers = await _asked(world, pool, [venue.ask_out(pool, leg) for leg in legs])
    return [
        None if told is None else venue.read_out(told, leg) for told, leg in zip(answers, legs, strict=True)
    ]


async def told_in(world: World, pool: FurtherPool, legs: Sequence[Leg]) -> list[int | None]:
    """Return what the contracts say that each size of the token out costs; None where they refuse."""
    venue = VENUES[pool.protocol]
    questions = [question for leg in legs if (question := venue.ask_in(pool, leg)) is not None]
    answers = await _asked(world, pool, questions)
    return [
        None if told is None else venue.read_in(told, leg) for told, leg in zip(answers, legs, strict=True)
    ]


async def _asked(world: World, pool: FurtherPool, questions: Sequence[str]) -> list[bytes | None]:
    calls = [Call("eth_call", [{"to": pool.quoter, "data": data}, "latest"]) for data in questions]
    async with Rpc(world.http_url) as rpc:
        answers = [answer for part in _parts(calls) for answer in await rpc.each(part)]
    return [bytes.fromhex(answer[2:]) if isinstance(answer, str) else None for answer in answers]


async def swapped(world: World, pool: FurtherPool, legs: Sequence[Leg]) -> list[int | None]:
    """Make all swaps in one block, in order; return what each paid, None where it was reverted."""
    receipts = await mined(world, pool, legs)
    return [paid(world, pool, leg, receipt) for leg, receipt in zip(legs, receipts, strict=True)]


async def mined(world: World, pool: FurtherPool, legs: Sequence[Leg]) -> list[Receipt]:
    """Make all swaps in one block, in order; return what came of each."""
    trader = _trader(world)
    async with Rpc(world.http_url) as rpc:
        nonce = int(await rpc.call("eth_getTransactionCount", trader, "latest"), 16)
        calls = [
            Call(
                "eth_sendTransaction",
                [
                    {
                        "from": trader,
                        "to": pool.router,
                        "data": VENUES[pool.protocol].swap(pool, leg, trader),
                        "gas": _GAS,
                        "nonce": hex(nonce + index),
                        **FEES,
                    }
                ],
            )
            for index, leg in enumerate(legs)
        ]
        for part in _parts(calls):
            await rpc.all(part)
        await rpc.call("evm_mine")
        receipts = await rpc.call("eth_getBlockReceipts", "latest")
    assert len(receipts) == len(legs)
    return msgspec.convert(receipts, list[Receipt])


def paid(world: World, pool: FurtherPool, leg: Leg, receipt: Receipt) -> int | None:
    """Return what a swap paid by its token's own logs, None where it was reverted."""
    if receipt.status != "0x1":
        return None
    token, trader = pool.tokens[leg.token_out], _trader(world)
    return sum(
        int(log.data, 16)
        for log in receipt.logs
        if log.address == token and log.topics[0] == _TRANSFER and log.topics[2][-40:] == trader[2:]
    )


def _trader(world: World) -> str:
    return further_senders(world.accounts)[-1]


def _parts(calls: Sequence[Call]) -> list[Sequence[Call]]:
    """Return the calls in requests of less than a megabyte."""
    return [calls[start : start + _CALLS_A_REQUEST] for start in range(0, len(calls), _CALLS_A_REQUEST)]


async def views(world: World, questions: Sequence[tuple[str, str, list[str]]]) -> list[tuple[object, ...]]:
    """Return the answers to views: contract, call data, types of the answer."""
    calls = [Call("eth_call", [{"to": to, "data": data}, "latest"]) for to, data, _ in questions]
    async with Rpc(world.http_url) as rpc:
        answers = await rpc.all(calls)
    return [abi.decode(types, answer) for (_, _, types), answer in zip(questions, answers, strict=True)]


def of_protocol(world: World, protocol: str) -> list[FurtherPool]:
    """Return the world's pools of a kind."""
    return [pool for pool in world.further_pools if pool.protocol == protocol]
