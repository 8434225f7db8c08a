"""Tokens that do not keep to their standard, each with a V2 pair, for tests of what must not be believed."""

from collections.abc import Generator

from tidemill.sandbox import abi
from tidemill.sandbox.venues.venue import Ground
from tidemill.sandbox.world import Address, Oddity, OddToken

_CONTRACTS: dict[Oddity, tuple[str, int]] = {
    "fee_on_transfer": ("FeeOnTransferToken", 18),
    "rebasing": ("RebasingToken", 18),
    "lying_decimals": ("LyingToken", 6),
    "reverting_views": ("RevertingToken", 18),
}
_MINTED = 3_000_000
_IN_PAIR = 30_000
_WETH_IN_PAIR = 10
"""At a dollar a token and 3,000 a WETH."""


def build_oddities(
    ground: Ground,
) -> Generator[list[tuple[Address, str]], list[str], list[OddToken]]:
    """Create the tokens and their pairs; the one whose views revert falls silent when its pair is filled."""
    site, weth, provider = ground.site, ground.token("WETH").address, ground.accounts.provider
    factory = ground.create("UniswapV2Factory", (), site.deployer)
    tokens: dict[Oddity, Address] = {
        oddity: ground.create_own(name) for oddity, (name, _) in _CONTRACTS.items()
    }
    for oddity, token in tokens.items():
        minted = _MINTED * 10 ** _CONTRACTS[oddity][1]
        site.send(token, abi.flat_call("mint(address,uint256)", provider, minted))
        site.send(factory, abi.flat_call("createPair(address,address)", token, weth))
    answers = yield [
        (factory, abi.flat_call("getPair(address,address)", token, weth)) for token in tokens.values()
    ]
    pairs = ["0x" + answer[-40:] for answer in answers]
    for (oddity, token), pair in zip(tokens.items(), pairs, strict=True):
        size = _IN_PAIR * 10 ** _CONTRACTS[oddity][1]
        site.send(token, _transfer(pair, size), provider)
        site.send(weth, _transfer(pair, _WETH_IN_PAIR * 10**18), provider)
        site.send(pair, abi.flat_call("mint(address)", provider), provider)
    yield []
    site.send(tokens["reverting_views"], abi.flat_call("fall_silent(bool)", 1))
    yield []
    return [
        OddToken(token, oddity, _CONTRACTS[oddity][1], pair)
        for (oddity, token), pair in zip(tokens.items(), pairs, strict=True)
    ]


def _transfer(to: Address, size: int) -> str:
    return abi.flat_call("transfer(address,uint256)", to, size)
