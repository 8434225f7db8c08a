"""Are tokens traded that return nothing, and those refused that return false?"""

from pathlib import Path

import pytest
import vyper
from tests.execute.arena import NOBODY, Arena, bytes_of, profit_told, route
from tests.execute.desk_room import gap_body, open_room
from tests.execute.late_site import LateSite

from tidemill.execute.plan.kinds import HopKind, LoanSource
from tidemill.execute.plan.route import Loan, PairHop, Route
from tidemill.execute.plan.route_codec import call_data, encode, pool_called
from tidemill.sandbox import abi

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]

_TOKEN = (Path(__file__).parent / "vyper/SilentToken.vy").read_text()
_MINT = "mint(address,uint256)"


async def _circle(arena: Arena, source: str, lent_by: LoanSource) -> Route:
    """Make a token, two pairs that price it otherwise, and the circle of it that gains."""
    usdc = arena.world.token("USDC").address
    site = LateSite(arena.rpc, arena.world.accounts.deployer, {})
    await site.begin()
    token = site.create_code(vyper.compile_code(source)["bytecode"], [])
    lender = "0x" + (arena.lenders[lent_by] if lent_by else bytes_of(arena.owner)).hex()
    site.send(token, abi.flat_call(_MINT, lender, 10**20))
    await site.mine()
    if not lent_by:
        allowing = abi.flat_call("approve(address,uint256)", arena.executor, 10**20)
        await arena.send(arena.owner, token, allowing)
    pairs: list[str] = []
    for dex, size_usdc in (("uniswap", 10**12), ("sushiswap", 2 * 10**12)):
        factory = next(
            one.address for one in arena.world.factories if (one.dex, one.protocol) == (dex, "uniswap_v2")
        )
        await site.begin()
        site.send(factory, abi.flat_call("createPair(address,address)", token, usdc))
        await site.mine()
        pair = (
            "0x" + (await arena.call(factory, abi.flat_call("getPair(address,address)", token, usdc)))[-40:]
        )
        site.send(token, abi.flat_call(_MINT, pair, 10**24))
        site.send(usdc, abi.flat_call(_MINT, pair, size_usdc))
        site.send(pair, abi.flat_call("mint(address)", arena.owner))
        await site.mine()
        pairs.append(pair)
    cheap, dear = map(bytes_of, pairs)
    hops = (
        PairHop(pair=dear, token_out=bytes_of(usdc), min_out=1, fee_ppm=3_000),
        PairHop(pair=cheap, token_out=bytes_of(token), min_out=1, fee_ppm=3_000),
    )
    address = arena.lenders[lent_by] if lent_by else NOBODY
    loan = Loan(source=lent_by, lender=address, token=bytes_of(token), amount=10**18)
    return route(loan, hops)


@pytest.mark.parametrize("lent_by", [LoanSource.MORPHO, LoanSource.OWN_FUNDS])
async def test_a_token_that_returns_nothing_is_borrowed_traded_and_repaid(
    arena: Arena, lent_by: LoanSource
) -> None:
    made = await _circle(arena, _TOKEN, lent_by)
    for _ in range(2):  # an allowance that stood after the first would stop the second
        receipt = await arena.execute(made)
        assert receipt["status"] == "0x1"
        assert profit_told(receipt) > 0
        assert await arena.balance(made.loan.token, arena.executor) == 0


async def test_a_token_that_returns_false_is_not_believed_to_have_moved(arena: Arena) -> None:
    """It says so where its lender asks for it back by the executor's approval."""
    head, end = "def approve(taker: address, size: uint256)", "self.allowance[msg.sender][taker] = size\n"
    lying = _TOKEN.replace(head, f"{head} -> bool").replace(end, f"{end}    return False\n")
    made = await _circle(arena, lying, LoanSource.MORPHO)
    assert "approve" in await arena.why(call_data(encode(made)))


@pytest.mark.timeout(90)
@pytest.mark.parametrize("factor", [2**100, 2**190])
async def test_a_token_that_tells_its_owner_of_any_gain_is_refused_and_ends_nobody(
    arena: Arena, tmp_path: Path, factor: int
) -> None:
    told = _TOKEN.replace("balanceOf: public(HashMap[address, uint256])", "sizes: HashMap[address, uint256]")
    lying = (
        told.replace("self.balanceOf[", "self.sizes[")
        + f"""

@view
@external
def balanceOf(holder: address) -> uint256:
    return self.sizes[holder] * (1 if holder.is_contract else {factor})
"""
    )
    made = await _circle(arena, lying, LoanSource.MORPHO)
    body = {
        "chainId": arena.world.chain_id,
        "token": f"0x{made.loan.token.hex()}",
        "amount": str(made.loan.amount),
        "flashSource": int(made.loan.source),
        "lender": f"0x{made.loan.lender.hex()}",
        "protocols": [HopKind.UNISWAP_V2] * 2,
        "routers": [f"0x{pool_called(one).hex()}" for one in made.hops],
        "path": [f"0x{one.token_out.hex()}" for one in made.hops],
        "extras": ["0x", "0x"],
    }
    gap = await gap_body(arena)
    async with open_room(arena, tmp_path) as room:
        assert "than a plan can name" in (await room.execute(body)).content["error"]
        assert (await room.execute(gap)).is_success
