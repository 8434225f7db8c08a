"""Can anybody but the operator have the executor move anything, and can a callback be forged?"""

import os
from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio
from eth_abi.abi import encode as encode_abi
from tests.execute.arena import LAST_BLOCK, AnyPool, Arena, bytes_of, hop, pool_tokens
from tests.execute.attack import MALLORY, PAUSE, STRANGER, Attack, Step, attacking

from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.plan.route import (
    BalancerV2Hop,
    BalancerV3Hop,
    CurveHop,
    Hop,
    Loan,
    PairHop,
    Route,
    SolidlyHop,
    TickedHop,
    UniswapV4Hop,
)
from tidemill.execute.plan.route_codec import call_data, encode
from tidemill.sandbox import abi
from tidemill.schema.faults import Refused

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]

CALLS = int(os.environ.get("EXECUTOR_CALLS", "2000"))
"""Of the fuzz: `make soak` makes 100,000."""

CALLBACKS = {
    "executeOperation(address,uint256,uint256,address,bytes)": "taupb",
    "receiveFlashLoan(address[],uint256[],uint256[],bytes)": "TUUb",
    "onMorphoFlashLoan(uint256,bytes)": "ub",
    "uniswapV3FlashCallback(uint256,uint256,bytes)": "uub",
    "pancakeV3FlashCallback(uint256,uint256,bytes)": "uub",
    "algebraFlashCallback(uint256,uint256,bytes)": "uub",
    "uniswapV2Call(address,uint256,uint256,bytes)": "puub",
    "pancakeCall(address,uint256,uint256,bytes)": "puub",
    "hook(address,uint256,uint256,bytes)": "puub",
    "unlockCallback(bytes)": "b",
    "balancer_v3_loan(bytes)": "b",
    "balancer_v3_swap(bytes)": "b",
    "uniswapV3SwapCallback(int256,int256,bytes)": "uub",
    "pancakeV3SwapCallback(int256,int256,bytes)": "uub",
    "algebraSwapCallback(int256,int256,bytes)": "uub",
}
COMMANDS = {
    "execute(bytes)": "b",
    "set_operator(address,bool)": "po",
    "offer_ownership(address)": "p",
    "accept_ownership()": "",
    "rescue(address)": "t",
}


@pytest_asyncio.fixture(loop_scope="session")
async def attack(arena: Arena) -> AsyncIterator[Attack]:
    async with attacking(arena) as opened:
        yield opened


class Dice:
    """Makes calls and plans at random, out of what is there."""

    def __init__(self, attack: Attack, seed: int) -> None:
        self.random = Random(seed)
        world = attack.arena.world
        self.arena, self.executor = attack.arena, attack.executor
        self.tokens = [bytes_of(token.address) for token in world.tokens]
        lenders = [lender for lender in attack.arena.lenders.values() if any(lender)]
        self.parties = [self.executor, bytes_of(attack.arena.owner), STRANGER, MALLORY, *lenders]
        self.pools: list[AnyPool] = [*world.pools, *world.further_pools]
        self.plans = [b""]

    def call(self, signatures: dict[str, str]) -> bytes:
        """Return a call of one of these functions."""
        signature, kinds = self.random.choice(list(signatures.items()))
        types = signature[signature.index("(") + 1 : -1].split(",") if kinds else []
        return abi.selector(signature) + encode_abi(types, [self._value(kind) for kind in kinds])

    def _value(self, kind: str) -> object:
        match kind:
            case "t" | "p":
                return self.random.choice(self.tokens if kind == "t" else self.parties)
            case "T":
                return [self._value("t")]
            case "U":
                return [self._value("u")]
            case "b":
                return self.random.choice([*self.plans, self.random.randbytes(self.random.randrange(200))])
            case "o":
                return self.random.random() < 0.5
            case _:
                return self.size()

    def size(self) -> int:
        """Return a size: nothing, little or much."""
        return self.random.choice([0, 1, self.random.randrange(10**12), self.random.randrange(10**21)])

    def answer(self) -> bytes:
        """Return what Mallory answers: words that may be sizes, addresses or yes."""
        words = [
            self.random.choice([1, self.size(), 10**24, int.from_bytes(self.random.choice(self.tokens))])
            for _ in range(self.random.randrange(6))
        ]
        return b"".join(word.to_bytes(32) for word in words)

    def plan(self) -> bytes:
        """Return a plan in which Mallory has some of the parts, and remember it."""
        token = start = self.random.choice(self.tokens)
        hops: list[Hop] = []
        for place in range(count := self.random.randrange(1, 4)):
            others = [one for one in [*self.tokens, MALLORY] if one != token]
            token_out = start if place == count - 1 and place else self.random.choice(others)
            hops.append(self._hop(token, token_out))
            token = token_out
        if token != start:
            hops.append(self._hop(token, start))
        source = self.random.choice(list(LoanSource))
        lender = MALLORY if self.random.random() < 0.6 else self.arena.lenders[source]
        loan = Loan(source=source, lender=lender, token=start, amount=1 + self.size(), fee_ppm=3_000)
        made = Route(loan=loan, hops=tuple(hops), min_profit=0, last_block=LAST_BLOCK)
        try:
            plan = encode(made)
        except Refused:  # what is borrowed of is traded in
            return self.plan()
        self.plans = [plan, *self.plans[:4]]
        return plan

    def _hop(self, token_in: bytes, token_out: bytes) -> Hop:
        names = {"0x" + token_in.hex(), "0x" + token_out.hex()}
        fitting = [pool for pool in self.pools if names <= set(pool_tokens(pool))]
        if fitting and self.random.random() < 0.5:
            return hop(self.random.choice(fitting), token_in, token_out)
        terms = {"token_out": token_out, "min_out": 0}
        return self.random.choice(
            [
                PairHop(pair=MALLORY, fee_ppm=3_000, **terms),
                TickedHop(pool=MALLORY, **terms),
                SolidlyHop(pair=MALLORY, **terms),
                CurveHop(pool=MALLORY, coin_in=0, coin_out=1, is_uint_indexed=True, **terms),
                BalancerV2Hop(vault=MALLORY, pool_id=bytes(32), **terms),
                BalancerV3Hop(vault=MALLORY, pool=MALLORY, **terms),
                UniswapV4Hop(manager=MALLORY, fee_ppm=500, tick_spacing=10, hooks=MALLORY, **terms),
            ]
        )

    def paying_plan(self) -> tuple[bytes, list[Step]]:
        """Return a plan that goes through Mallory alone, and steps by which it pays: it attacks besides."""
        start = self.arena.token("USDC")
        other = self.random.choice([one for one in self.tokens[1:] if one != start])
        source = self.random.choice(list(LoanSource))
        size, between = self.random.randrange(1, 10**9), self.random.randrange(1, 10**12)
        terms = {"token_out": other, "min_out": 0}
        taking = self.take(start, size)
        curve = CurveHop(pool=MALLORY, coin_in=0, coin_out=1, is_uint_indexed=False, **terms)
        first, due = self.random.choice(
            [
                (PairHop(pair=MALLORY, fee_ppm=3_000, **terms), PAUSE),
                (SolidlyHop(pair=MALLORY, **terms), PAUSE),
                (TickedHop(pool=MALLORY, **terms), self.asking(size)),
                (curve, taking),
                (BalancerV2Hop(vault=MALLORY, pool_id=bytes(32), **terms), taking),
            ]
        )
        # The second pool asks for what was sold to it, or for what was forgotten here besides.
        asked = self.random.choice([between, between + self.random.randrange(10**8)])
        last = {"token_out": start, "min_out": 0}
        second, second_due = self.random.choice(
            [
                (PairHop(pair=MALLORY, fee_ppm=3_000, **last), PAUSE),
                (TickedHop(pool=MALLORY, **last), self.asking(asked)),
            ]
        )
        loan = self.arena.loan(source, size)
        made = Route(loan=loan, hops=(first, second), min_profit=0, last_block=LAST_BLOCK)
        self.plans = [encode(made), *self.plans[:4]]
        there = [*self.steps(2), due, self.gift(other, between), *self.steps(2)]
        back = [*self.steps(2), second_due, self.gift(start, 2 * size), *self.steps(2)]
        return self.plans[0], [*_going_on(there), PAUSE, *_going_on(back)]

    def asking(self, size: int) -> Step:
        """Return how a pool asks for what was sold to it."""
        signature = self.random.choice([name for name in CALLBACKS if "Swap" in name])
        data = encode_abi(["int256", "int256", "bytes"], [size, -1, b""])
        return self.executor, abi.selector(signature) + data

    def take(self, token: bytes, size: int) -> Step:
        """Return how Mallory takes what it may."""
        signature = "transferFrom(address,address,uint256)"
        return token, bytes_of(abi.flat_call(signature, self.arena.executor, "0x" + MALLORY.hex(), size))

    def gift(self, token: bytes, size: int | None = None) -> Step:
        """Return how the executor is given something."""
        amount = self.size() if size is None else size
        return token, bytes_of(abi.flat_call("mint(address,uint256)", self.arena.executor, amount))

    def steps(self, most: int = 6) -> list[Step]:
        """Return what Mallory does: calls of the executor, gifts, theft where it is let."""
        made: list[Step] = []
        for _ in range(self.random.randrange(most + 1)):
            kind = self.random.random()
            token = self.random.choice(self.tokens)
            if kind < 0.7:
                made.append((self.executor, self.call(CALLBACKS | COMMANDS)))
            elif kind < 0.8:
                made.append(self.gift(token))
            elif kind < 0.9:
                made.append(self.take(token, 1 + self.size()))
            else:
                made.append(PAUSE)
        return made


def _going_on(steps: list[Step]) -> list[Step]:
    return [step for step in steps if step != PAUSE]


async def _roles(attack: Attack) -> tuple[int, ...]:
    views = ["owner()", "heir()"]
    found = [await attack.view(attack.executor, abi.flat_call(view)) for view in views]
    for who in (STRANGER, MALLORY, bytes_of(attack.arena.owner), bytes_of(attack.arena.operator)):
        asked = abi.flat_call("is_operator(address)", "0x" + who.hex())
        found.append(await attack.view(attack.executor, asked))
    return tuple(found)


async def test_a_stranger_is_refused_at_every_door(attack: Attack) -> None:
    dice = Dice(attack, 0)
    dice.plan()
    for signature, kinds in (CALLBACKS | COMMANDS).items():
        for sender in (STRANGER, MALLORY, attack.arena.lenders[LoanSource.AAVE_V3]):
            for _ in range(5):
                data = dice.call({signature: kinds})
                assert not (await attack.run(sender, attack.executor, data)).is_success, signature


async def test_strangers_move_nothing(attack: Attack) -> None:
    dice = Dice(attack, 1)
    roles = await _roles(attack)
    for _ in range(CALLS // 2):
        dice.plan()
        sender = dice.random.choice([STRANGER, MALLORY])
        data = dice.call(CALLBACKS | COMMANDS)
        outcome = await attack.run(sender, attack.executor, data)
        assert not outcome.is_success, data.hex()
    assert await _roles(attack) == roles


async def test_no_plan_takes_what_the_owner_has_or_what_lies_in_the_executor(attack: Attack) -> None:
    """The operator is careless, or robbed of its key: its plans let Mallory in, as pool, lender and token."""
    dice = Dice(attack, 2)
    operator = bytes_of(attack.arena.operator)
    ours = {bytes_of(attack.arena.owner), attack.executor}
    roles, done = await _roles(attack), 0
    for _ in range(CALLS // 2):
        if dice.random.random() < 0.5:
            plan, steps = dice.paying_plan()
            answer = 5 * (10**24).to_bytes(32)
        else:
            plan, steps, answer = dice.plan(), dice.steps(), dice.answer()
        await attack.tell(steps, answer)
        outcome = await attack.run(operator, attack.executor, call_data(plan))
        if outcome.is_success:
            done += 1
            changes: dict[bytes, int] = {}
            for token, holder, before, after in outcome.balance_changes():
                if holder in ours and token is not None:
                    changes[token] = changes.get(token, 0) + after - before
            taken = {token: change for token, change in changes.items() if change < 0 and token != MALLORY}
            assert not taken, plan.hex()
            attack.state.evm.keep(outcome)
            assert await _roles(attack) == roles
            await _check_no_allowance(attack, dice)
    assert done > CALLS // 400


async def _check_no_allowance(attack: Attack, dice: Dice) -> None:
    for token in dice.tokens:
        asked = abi.flat_call("allowance(address,address)", attack.arena.executor, "0x" + MALLORY.hex())
        assert await attack.view(token, asked) == 0


@pytest.mark.parametrize("change", ["as awaited", "twice", "another plan", "another lender's", "of nobody"])
async def test_the_awaited_callback_counts_once_and_only_with_the_plan_that_was_given(
    attack: Attack, change: str
) -> None:
    usdc, dai = attack.arena.token("USDC"), attack.arena.token("DAI")
    operator, dice = bytes_of(attack.arena.operator), Dice(attack, 3)
    size = 10**6
    hops = (
        PairHop(pair=MALLORY, fee_ppm=3_000, token_out=dai, min_out=0),
        PairHop(pair=MALLORY, fee_ppm=3_000, token_out=usdc, min_out=0),
    )
    loan = Loan(source=LoanSource.MORPHO, lender=MALLORY, token=usdc, amount=size)
    plan = encode(Route(loan=loan, hops=hops, min_profit=0, last_block=LAST_BLOCK))

    def callback(handed: bytes, name: str = "onMorphoFlashLoan(uint256,bytes)") -> Step:
        data = encode_abi(["uint256", "bytes"], [size, handed])
        return attack.executor, abi.selector(name) + data

    # What the hops give comes in the pauses of the loan: Mallory is lender and both pairs.
    lent = [dice.gift(usdc, size), callback(plan)]
    traded = [dice.gift(dai, 5), PAUSE, dice.gift(usdc, 2 * size), PAUSE]
    paid = [dice.take(usdc, size)]
    told = {
        "as awaited": [*lent, *traded, *paid],
        "twice": [*lent, *traded, callback(plan), *paid],
        "another plan": [lent[0], callback(plan[:-1] + b"\1"), *traded, *paid],
        "another lender's": [lent[0], callback(plan, "balancer_v3_loan(bytes)"), *traded, *paid],
        "of nobody": [lent[0], *traded, *paid],
    }[change]
    await attack.tell(told, 5 * (10**24).to_bytes(32))
    outcome = await attack.run(operator, attack.executor, call_data(plan))
    assert outcome.is_success == (change in ("as awaited", "twice")), outcome.output
    if outcome.is_success:
        owner = bytes_of(attack.arena.owner)
        [gained] = [
            after - before
            for token, holder, before, after in outcome.balance_changes()
            if (token, holder) == (usdc, owner)
        ]
        assert gained == size + 1_000 * 10**6
