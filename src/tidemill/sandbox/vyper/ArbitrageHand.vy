# pragma version 0.4.3
"""
@notice Trades in a circle through routers of Uniswap V2 and V3 with its own tokens, wholly or not at all.
"""

from ethereum.ercs import IERC20

struct Hop:
    router: address
    token_in: address
    token_out: address
    fee_ppm: uint256  # of V3; 0: the router is V2's

struct ExactInputSingle:
    tokenIn: address
    tokenOut: address
    fee: uint24
    recipient: address
    deadline: uint256
    amountIn: uint256
    amountOutMinimum: uint256
    sqrtPriceLimitX96: uint160

interface RouterV2:
    def swapExactTokensForTokens(
        amountIn: uint256, amountOutMin: uint256, path: DynArray[address, 2], to: address, deadline: uint256
    ) -> DynArray[uint256, 2]: nonpayable

interface RouterV3:
    def exactInputSingle(params: ExactInputSingle) -> uint256: nonpayable

event Executed:
    token: indexed(address)
    amount: uint256
    profit: uint256


@external
def execute(hops: DynArray[Hop, 4], amount: uint256) -> uint256:
    size: uint256 = amount
    for hop: Hop in hops:
        size = self._swap(hop, size)
    assert size > amount, "no profit"
    log Executed(token=hops[0].token_in, amount=amount, profit=size - amount)
    return size - amount


@internal
def _swap(hop: Hop, size: uint256) -> uint256:
    if staticcall IERC20(hop.token_in).allowance(self, hop.router) < size:
        extcall IERC20(hop.token_in).approve(hop.router, max_value(uint256))
    if hop.fee_ppm == 0:
        sizes: DynArray[uint256, 2] = extcall RouterV2(hop.router).swapExactTokensForTokens(
            size, 0, [hop.token_in, hop.token_out], self, block.timestamp
        )
        return sizes[1]
    return extcall RouterV3(hop.router).exactInputSingle(
        ExactInputSingle(
            tokenIn=hop.token_in,
            tokenOut=hop.token_out,
            fee=convert(hop.fee_ppm, uint24),
            recipient=self,
            deadline=block.timestamp,
            amountIn=size,
            amountOutMinimum=0,
            sqrtPriceLimitX96=0,
        )
    )
