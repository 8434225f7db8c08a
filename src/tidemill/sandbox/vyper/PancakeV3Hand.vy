# pragma version 0.4.3
"""
@notice Mints positions and swaps in PancakeSwap V3 pools for whoever calls; it pays in the callback with the
        caller's approved tokens. `quote` tells what `swap` would move, and takes it back.
"""

from ethereum.ercs import IERC20

interface Pool:
    def token0() -> address: view
    def token1() -> address: view
    def mint(
        recipient: address, tickLower: int24, tickUpper: int24, amount: uint128, data: Bytes[32]
    ) -> (uint256, uint256): nonpayable
    def burn(tickLower: int24, tickUpper: int24, amount: uint128) -> (uint256, uint256): nonpayable
    def collect(
        recipient: address, tickLower: int24, tickUpper: int24, amount0Requested: uint128, amount1Requested: uint128
    ) -> (uint128, uint128): nonpayable
    def swap(
        recipient: address, zeroForOne: bool, amountSpecified: int256, sqrtPriceLimitX96: uint160, data: Bytes[32]
    ) -> (int256, int256): nonpayable

payer: transient(address)
pool: transient(address)
is_quoting: transient(bool)


@external
def mint(pool: address, lower: int24, upper: int24, liquidity: uint128) -> (uint256, uint256):
    self.payer = msg.sender
    self.pool = pool
    return extcall Pool(pool).mint(self, lower, upper, liquidity, b"")


@external
def burn(pool: address, lower: int24, upper: int24, liquidity: uint128) -> (uint128, uint128):
    extcall Pool(pool).burn(lower, upper, liquidity)
    return extcall Pool(pool).collect(msg.sender, lower, upper, max_value(uint128), max_value(uint128))


@external
def swap(pool: address, zero_for_one: bool, amount: int256, sqrt_price_limit_x96: uint160) -> (int256, int256):
    self.payer = msg.sender
    self.pool = pool
    return extcall Pool(pool).swap(msg.sender, zero_for_one, amount, sqrt_price_limit_x96, b"")


@external
def quote(pool: address, zero_for_one: bool, amount: int256, sqrt_price_limit_x96: uint160) -> (int256, int256):
    self.is_quoting = True
    done: bool = False
    told: Bytes[96] = b""
    done, told = raw_call(
        pool,
        abi_encode(
            self,
            zero_for_one,
            amount,
            sqrt_price_limit_x96,
            b"",
            method_id=method_id("swap(address,bool,int256,uint160,bytes)"),
        ),
        max_outsize=96,
        revert_on_failure=False,
    )
    self.is_quoting = False
    assert not done and len(told) == 64, "the pool refuses"
    delta0: int256 = 0
    delta1: int256 = 0
    delta0, delta1 = abi_decode(told, (int256, int256))
    assert amount > 0 or min(delta0, delta1) == amount, "the pool holds less"
    return delta0, delta1


@external
def pancakeV3MintCallback(owed0: uint256, owed1: uint256, data: Bytes[32]):
    self._pay(owed0, owed1)


@external
def pancakeV3SwapCallback(delta0: int256, delta1: int256, data: Bytes[32]):
    if self.is_quoting:
        raw_revert(abi_encode(delta0, delta1))
    self._pay(convert(max(delta0, 0), uint256), convert(max(delta1, 0), uint256))


@internal
def _pay(owed0: uint256, owed1: uint256):
    assert msg.sender == self.pool, "pool"
    if owed0 > 0:
        extcall IERC20(staticcall Pool(msg.sender).token0()).transferFrom(self.payer, msg.sender, owed0)
    if owed1 > 0:
        extcall IERC20(staticcall Pool(msg.sender).token1()).transferFrom(self.payer, msg.sender, owed1)
