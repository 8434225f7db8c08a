# pragma version 0.4.3
"""
@notice A StableSwap pool with the interface and the integer arithmetic of Curve's plain pools.
@dev Written from the formulas. The constants make it one generation or another: A_PRECISION is 1 for 3pool and
     its contemporaries and 100 for the templates; QUOTES_RAW says that get_dy takes the fee after the conversion to
     the coin's own units, which is where the old pools' quote differs from their exchange by a unit.
"""

from ethereum.ercs import IERC20

implements: IERC20

event TokenExchange:
    buyer: indexed(address)
    sold_id: int128
    tokens_sold: uint256
    bought_id: int128
    tokens_bought: uint256

event AddLiquidity:
    provider: indexed(address)
    token_amounts: uint256[N_COINS]
    fees: uint256[N_COINS]
    invariant: uint256
    token_supply: uint256

event RemoveLiquidity:
    provider: indexed(address)
    token_amounts: uint256[N_COINS]
    fees: uint256[N_COINS]
    token_supply: uint256

event RampA:
    old_A: uint256
    new_A: uint256
    initial_time: uint256
    future_time: uint256

event StopRampA:
    A: uint256
    t: uint256

event NewFee:
    fee: uint256
    admin_fee: uint256

N_COINS: constant(uint256) = 3
A_PRECISION: constant(uint256) = 100
QUOTES_RAW: constant(bool) = False

PRECISION: constant(uint256) = 10 ** 18
FEE_DENOMINATOR: constant(uint256) = 10 ** 10
MAX_FEE: constant(uint256) = 5 * 10 ** 9
MAX_A: constant(uint256) = 10 ** 6
MAX_A_CHANGE: constant(uint256) = 10
MIN_RAMP_TIME: constant(uint256) = 86400

name: public(constant(String[32])) = "Sandbox StableSwap"
symbol: public(constant(String[32])) = "sandboxCRV"
decimals: public(constant(uint8)) = 18

coins: public(immutable(address[N_COINS]))
RATES: immutable(uint256[N_COINS])

owner: public(address)
balances: public(uint256[N_COINS])
fee: public(uint256)
admin_fee: public(uint256)
initial_A: public(uint256)
future_A: public(uint256)
initial_A_time: public(uint256)
future_A_time: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)


@deploy
def __init__(coins_: address[N_COINS], decimals_: uint256[N_COINS], A_: uint256, fee_: uint256, admin_fee_: uint256):
    coins = coins_
    rates: uint256[N_COINS] = empty(uint256[N_COINS])
    for k: uint256 in range(N_COINS):
        rates[k] = 10 ** (36 - decimals_[k])
    RATES = rates
    self.owner = msg.sender
    self.initial_A = A_ * A_PRECISION
    self.future_A = A_ * A_PRECISION
    self.fee = fee_
    self.admin_fee = admin_fee_


@view
@internal
def _A() -> uint256:
    t1: uint256 = self.future_A_time
    A1: uint256 = self.future_A
    if block.timestamp >= t1:
        return A1
    A0: uint256 = self.initial_A
    t0: uint256 = self.initial_A_time
    if A1 > A0:
        return A0 + (A1 - A0) * (block.timestamp - t0) // (t1 - t0)
    return A0 - (A0 - A1) * (block.timestamp - t0) // (t1 - t0)


@view
@external
def A() -> uint256:
    return self._A() // A_PRECISION


@view
@external
def A_precise() -> uint256:
    assert A_PRECISION > 1, "no precision"
    return self._A()


@view
@internal
def _xp(held: uint256[N_COINS]) -> uint256[N_COINS]:
    xp: uint256[N_COINS] = empty(uint256[N_COINS])
    for k: uint256 in range(N_COINS):
        xp[k] = RATES[k] * held[k] // PRECISION
    return xp


@pure
@internal
def _D(xp: uint256[N_COINS], amp: uint256) -> uint256:
    S: uint256 = 0
    for x: uint256 in xp:
        S += x
    if S == 0:
        return 0
    D: uint256 = S
    Ann: uint256 = amp * N_COINS
    for _: uint256 in range(255):
        D_P: uint256 = D
        for x: uint256 in xp:
            D_P = D_P * D // (x * N_COINS)
        before: uint256 = D
        D = (Ann * S // A_PRECISION + D_P * N_COINS) * D // (
            (Ann - A_PRECISION) * D // A_PRECISION + (N_COINS + 1) * D_P
        )
        if max(D, before) - min(D, before) <= 1:
            return D
    raise "D"


@view
@internal
def _y(i: uint256, j: uint256, x: uint256, xp: uint256[N_COINS]) -> uint256:
    assert i != j and i < N_COINS and j < N_COINS, "coins"
    amp: uint256 = self._A()
    D: uint256 = self._D(xp, amp)
    Ann: uint256 = amp * N_COINS
    c: uint256 = D
    S: uint256 = 0
    for k: uint256 in range(N_COINS):
        if k == j:
            continue
        x_k: uint256 = xp[k]
        if k == i:
            x_k = x
        S += x_k
        c = c * D // (x_k * N_COINS)
    c = c * D * A_PRECISION // (Ann * N_COINS)
    b: uint256 = S + D * A_PRECISION // Ann
    y: uint256 = D
    for _: uint256 in range(255):
        before: uint256 = y
        y = (y * y + c) // (2 * y + b - D)
        if max(y, before) - min(y, before) <= 1:
            return y
    raise "y"


@view
@external
def get_dy(i: int128, j: int128, dx: uint256) -> uint256:
    at_i: uint256 = convert(i, uint256)
    at_j: uint256 = convert(j, uint256)
    xp: uint256[N_COINS] = self._xp(self.balances)
    y: uint256 = self._y(at_i, at_j, xp[at_i] + dx * RATES[at_i] // PRECISION, xp)
    dy: uint256 = xp[at_j] - y - 1
    if QUOTES_RAW:
        dy = dy * PRECISION // RATES[at_j]
        return dy - self.fee * dy // FEE_DENOMINATOR
    return (dy - self.fee * dy // FEE_DENOMINATOR) * PRECISION // RATES[at_j]


@nonreentrant
@external
def exchange(i: int128, j: int128, dx: uint256, min_dy: uint256) -> uint256:
    at_i: uint256 = convert(i, uint256)
    at_j: uint256 = convert(j, uint256)
    xp: uint256[N_COINS] = self._xp(self.balances)
    y: uint256 = self._y(at_i, at_j, xp[at_i] + dx * RATES[at_i] // PRECISION, xp)
    dy: uint256 = xp[at_j] - y - 1
    fee: uint256 = dy * self.fee // FEE_DENOMINATOR
    dy = (dy - fee) * PRECISION // RATES[at_j]
    assert dy >= min_dy, "too little"
    admin_fee: uint256 = (fee * self.admin_fee // FEE_DENOMINATOR) * PRECISION // RATES[at_j]
    self.balances[at_i] += dx
    self.balances[at_j] -= dy + admin_fee
    self._pull(coins[at_i], dx)
    self._pay(coins[at_j], dy)
    log TokenExchange(buyer=msg.sender, sold_id=i, tokens_sold=dx, bought_id=j, tokens_bought=dy)
    return dy


@view
@external
def get_virtual_price() -> uint256:
    return self._D(self._xp(self.balances), self._A()) * PRECISION // self.totalSupply


@nonreentrant
@external
def add_liquidity(amounts: uint256[N_COINS], min_mint_amount: uint256) -> uint256:
    amp: uint256 = self._A()
    old: uint256[N_COINS] = self.balances
    D0: uint256 = self._D(self._xp(old), amp)
    new: uint256[N_COINS] = old
    for k: uint256 in range(N_COINS):
        assert self.totalSupply > 0 or amounts[k] > 0, "the first needs all coins"
        new[k] += amounts[k]
        if amounts[k] > 0:
            self._pull(coins[k], amounts[k])
    D1: uint256 = self._D(self._xp(new), amp)
    assert D1 > D0, "nothing added"
    fees: uint256[N_COINS] = empty(uint256[N_COINS])
    minted: uint256 = D1
    if self.totalSupply == 0:
        self.balances = new
    else:
        share: uint256 = self.fee * N_COINS // (4 * (N_COINS - 1))
        for k: uint256 in range(N_COINS):
            ideal: uint256 = D1 * old[k] // D0
            fees[k] = share * (max(ideal, new[k]) - min(ideal, new[k])) // FEE_DENOMINATOR
            self.balances[k] = new[k] - fees[k] * self.admin_fee // FEE_DENOMINATOR
            new[k] -= fees[k]
        minted = self.totalSupply * (self._D(self._xp(new), amp) - D0) // D0
    assert minted >= min_mint_amount, "too little"
    self.totalSupply += minted
    self.balanceOf[msg.sender] += minted
    log IERC20.Transfer(sender=empty(address), receiver=msg.sender, value=minted)
    log AddLiquidity(
        provider=msg.sender, token_amounts=amounts, fees=fees, invariant=D1, token_supply=self.totalSupply
    )
    return minted


@nonreentrant
@external
def remove_liquidity(burnt: uint256, min_amounts: uint256[N_COINS]) -> uint256[N_COINS]:
    paid: uint256[N_COINS] = empty(uint256[N_COINS])
    for k: uint256 in range(N_COINS):
        paid[k] = self.balances[k] * burnt // self.totalSupply
        assert paid[k] >= min_amounts[k], "too little"
        self.balances[k] -= paid[k]
        self._pay(coins[k], paid[k])
    self.totalSupply -= burnt
    self.balanceOf[msg.sender] -= burnt
    log IERC20.Transfer(sender=msg.sender, receiver=empty(address), value=burnt)
    log RemoveLiquidity(
        provider=msg.sender,
        token_amounts=paid,
        fees=empty(uint256[N_COINS]),
        token_supply=self.totalSupply,
    )
    return paid


@external
def ramp_A(future_A: uint256, future_time: uint256):
    assert msg.sender == self.owner, "owner"
    assert future_time >= block.timestamp + MIN_RAMP_TIME, "too soon"
    assert future_A > 0 and future_A < MAX_A, "A"
    current: uint256 = self._A()
    target: uint256 = future_A * A_PRECISION
    assert target <= current * MAX_A_CHANGE and target * MAX_A_CHANGE >= current, "too far"
    self.initial_A = current
    self.future_A = target
    self.initial_A_time = block.timestamp
    self.future_A_time = future_time
    log RampA(old_A=current, new_A=target, initial_time=block.timestamp, future_time=future_time)


@external
def stop_ramp_A():
    assert msg.sender == self.owner, "owner"
    current: uint256 = self._A()
    self.initial_A = current
    self.future_A = current
    self.initial_A_time = block.timestamp
    self.future_A_time = block.timestamp
    log StopRampA(A=current, t=block.timestamp)


@external
def apply_new_fee(new_fee: uint256, new_admin_fee: uint256):
    # The deployed pools wait three days between commit and apply; here nobody needs the warning.
    assert msg.sender == self.owner, "owner"
    assert new_fee <= MAX_FEE and new_admin_fee <= FEE_DENOMINATOR, "fee"
    self.fee = new_fee
    self.admin_fee = new_admin_fee
    log NewFee(fee=new_fee, admin_fee=new_admin_fee)


@external
def transfer(to: address, amount: uint256) -> bool:
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=msg.sender, receiver=to, value=amount)
    return True


@external
def transferFrom(owner_: address, to: address, amount: uint256) -> bool:
    self.allowance[owner_][msg.sender] -= amount
    self.balanceOf[owner_] -= amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=owner_, receiver=to, value=amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@internal
def _pull(coin: address, amount: uint256):
    assert extcall IERC20(coin).transferFrom(msg.sender, self, amount, default_return_value=True)


@internal
def _pay(coin: address, amount: uint256):
    assert extcall IERC20(coin).transfer(msg.sender, amount, default_return_value=True)
