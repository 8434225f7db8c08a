# pragma version 0.4.3
"""
@notice A StableSwap pool with the interface and the integer arithmetic of Curve's NG pools of ordinary coins.
@dev Written from the formulas: the fee grows away from the peg, D's product is divided at the end, lists are dynamic.
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
    token_amounts: DynArray[uint256, MAX_COINS]
    fees: DynArray[uint256, MAX_COINS]
    invariant: uint256
    token_supply: uint256

event RemoveLiquidity:
    provider: indexed(address)
    token_amounts: DynArray[uint256, MAX_COINS]
    fees: DynArray[uint256, MAX_COINS]
    token_supply: uint256

event RampA:
    old_A: uint256
    new_A: uint256
    initial_time: uint256
    future_time: uint256

event StopRampA:
    A: uint256
    t: uint256

event ApplyNewFee:
    fee: uint256
    offpeg_fee_multiplier: uint256

MAX_COINS: constant(uint256) = 8
N: constant(uint256) = 3
A_PRECISION: constant(uint256) = 100

PRECISION: constant(uint256) = 10 ** 18
FEE_DENOMINATOR: constant(uint256) = 10 ** 10
MAX_FEE: constant(uint256) = 5 * 10 ** 9
MAX_A: constant(uint256) = 10 ** 6
MAX_A_CHANGE: constant(uint256) = 10
MIN_RAMP_TIME: constant(uint256) = 86400

name: public(constant(String[32])) = "Sandbox StableSwapNG"
symbol: public(constant(String[32])) = "sandboxCRV"
decimals: public(constant(uint8)) = 18

N_COINS: public(constant(uint256)) = N
coins: public(immutable(address[N]))
RATES: immutable(uint256[N])

owner: public(address)
held: uint256[N]
admin_balances: public(uint256[N])
fee: public(uint256)
admin_fee: public(constant(uint256)) = 5 * 10 ** 9
offpeg_fee_multiplier: public(uint256)
initial_A: public(uint256)
future_A: public(uint256)
initial_A_time: public(uint256)
future_A_time: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)


@deploy
def __init__(coins_: address[N], decimals_: uint256[N], A_: uint256, fee_: uint256, multiplier: uint256):
    coins = coins_
    rates: uint256[N] = empty(uint256[N])
    for k: uint256 in range(N):
        rates[k] = 10 ** (36 - decimals_[k])
    RATES = rates
    self.owner = msg.sender
    self.initial_A = A_ * A_PRECISION
    self.future_A = A_ * A_PRECISION
    self.fee = fee_
    self.offpeg_fee_multiplier = multiplier


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
    return self._A()


@view
@internal
def _xp(held: uint256[N]) -> uint256[N]:
    xp: uint256[N] = empty(uint256[N])
    for k: uint256 in range(N):
        xp[k] = RATES[k] * held[k] // PRECISION
    return xp


@pure
@internal
def _D(xp: uint256[N], amp: uint256) -> uint256:
    S: uint256 = 0
    for x: uint256 in xp:
        S += x
    if S == 0:
        return 0
    D: uint256 = S
    Ann: uint256 = amp * N
    for _: uint256 in range(255):
        D_P: uint256 = D
        for x: uint256 in xp:
            D_P = D_P * D // x
        D_P //= N ** N
        before: uint256 = D
        D = (Ann * S // A_PRECISION + D_P * N) * D // (
            (Ann - A_PRECISION) * D // A_PRECISION + (N + 1) * D_P
        )
        if max(D, before) - min(D, before) <= 1:
            return D
    raise "D"


@view
@internal
def _y(i: uint256, j: uint256, x: uint256, xp: uint256[N]) -> uint256:
    assert i != j and i < N and j < N, "coins"
    amp: uint256 = self._A()
    D: uint256 = self._D(xp, amp)
    Ann: uint256 = amp * N
    c: uint256 = D
    S: uint256 = 0
    for k: uint256 in range(N):
        if k == j:
            continue
        x_k: uint256 = xp[k]
        if k == i:
            x_k = x
        S += x_k
        c = c * D // (x_k * N)
    c = c * D * A_PRECISION // (Ann * N)
    b: uint256 = S + D * A_PRECISION // Ann
    y: uint256 = D
    for _: uint256 in range(255):
        before: uint256 = y
        y = (y * y + c) // (2 * y + b - D)
        if max(y, before) - min(y, before) <= 1:
            return y
    raise "y"


@view
@internal
def _dynamic_fee(x_i: uint256, x_j: uint256, fee: uint256) -> uint256:
    multiplier: uint256 = self.offpeg_fee_multiplier
    if multiplier <= FEE_DENOMINATOR:
        return fee
    sum_squared: uint256 = (x_i + x_j) ** 2
    return multiplier * fee // ((multiplier - FEE_DENOMINATOR) * 4 * x_i * x_j // sum_squared + FEE_DENOMINATOR)


@view
@internal
def _dy(i: uint256, j: uint256, dx: uint256) -> (uint256, uint256):
    # What leaves in common units, and the fee on it.
    xp: uint256[N] = self._xp(self.held)
    x: uint256 = xp[i] + dx * RATES[i] // PRECISION
    y: uint256 = self._y(i, j, x, xp)
    dy: uint256 = xp[j] - y - 1
    fee: uint256 = self._dynamic_fee((xp[i] + x) // 2, (xp[j] + y) // 2, self.fee)
    return dy, dy * fee // FEE_DENOMINATOR


@view
@external
def get_dy(i: int128, j: int128, dx: uint256) -> uint256:
    at_j: uint256 = convert(j, uint256)
    dy: uint256 = 0
    fee: uint256 = 0
    dy, fee = self._dy(convert(i, uint256), at_j, dx)
    return (dy - fee) * PRECISION // RATES[at_j]


@nonreentrant
@external
def exchange(i: int128, j: int128, dx: uint256, min_dy: uint256) -> uint256:
    at_i: uint256 = convert(i, uint256)
    at_j: uint256 = convert(j, uint256)
    dy: uint256 = 0
    fee: uint256 = 0
    dy, fee = self._dy(at_i, at_j, dx)
    dy = (dy - fee) * PRECISION // RATES[at_j]
    assert dy >= min_dy, "too little"
    kept: uint256 = (fee * admin_fee // FEE_DENOMINATOR) * PRECISION // RATES[at_j]
    self.admin_balances[at_j] += kept
    self.held[at_i] += dx
    self.held[at_j] -= dy + kept
    self._pull(coins[at_i], dx)
    self._pay(coins[at_j], dy)
    log TokenExchange(buyer=msg.sender, sold_id=i, tokens_sold=dx, bought_id=j, tokens_bought=dy)
    return dy


@view
@external
def dynamic_fee(i: int128, j: int128) -> uint256:
    xp: uint256[N] = self._xp(self.held)
    return self._dynamic_fee(xp[convert(i, uint256)], xp[convert(j, uint256)], self.fee)


@view
@external
def balances(coin: uint256) -> uint256:
    return self.held[coin]


@view
@external
def get_balances() -> DynArray[uint256, MAX_COINS]:
    return self._listed(self.held)


@view
@external
def stored_rates() -> DynArray[uint256, MAX_COINS]:
    return self._listed(RATES)


@pure
@internal
def _listed(values: uint256[N]) -> DynArray[uint256, MAX_COINS]:
    listed: DynArray[uint256, MAX_COINS] = []
    for value: uint256 in values:
        listed.append(value)
    return listed


@view
@external
def get_virtual_price() -> uint256:
    return self._D(self._xp(self.held), self._A()) * PRECISION // self.totalSupply


@nonreentrant
@external
def add_liquidity(amounts: DynArray[uint256, MAX_COINS], min_mint_amount: uint256) -> uint256:
    assert len(amounts) == N, "coins"
    amp: uint256 = self._A()
    old: uint256[N] = self.held
    D0: uint256 = self._D(self._xp(old), amp)
    new: uint256[N] = old
    for k: uint256 in range(N):
        assert self.totalSupply > 0 or amounts[k] > 0, "the first needs all coins"
        new[k] += amounts[k]
        if amounts[k] > 0:
            self._pull(coins[k], amounts[k])
    D1: uint256 = self._D(self._xp(new), amp)
    assert D1 > D0, "nothing added"
    fees: uint256[N] = empty(uint256[N])
    minted: uint256 = D1
    self.held = new
    if self.totalSupply > 0:
        base_fee: uint256 = self.fee * N // (4 * (N - 1))
        ys: uint256 = (D0 + D1) // N
        for k: uint256 in range(N):
            ideal: uint256 = D1 * old[k] // D0
            moved: uint256 = max(ideal, new[k]) - min(ideal, new[k])
            xs: uint256 = RATES[k] * (old[k] + new[k]) // PRECISION
            fees[k] = self._dynamic_fee(xs, ys, base_fee) * moved // FEE_DENOMINATOR
            kept: uint256 = fees[k] * admin_fee // FEE_DENOMINATOR
            self.admin_balances[k] += kept
            self.held[k] = new[k] - kept
            new[k] -= fees[k]
        D1 = self._D(self._xp(new), amp)
        minted = self.totalSupply * (D1 - D0) // D0
    assert minted >= min_mint_amount, "too little"
    self.totalSupply += minted
    self.balanceOf[msg.sender] += minted
    log IERC20.Transfer(sender=empty(address), receiver=msg.sender, value=minted)
    log AddLiquidity(
        provider=msg.sender,
        token_amounts=amounts,
        fees=self._listed(fees),
        invariant=D1,
        token_supply=self.totalSupply,
    )
    return minted


@nonreentrant
@external
def remove_liquidity(burnt: uint256, min_amounts: DynArray[uint256, MAX_COINS]) -> DynArray[uint256, MAX_COINS]:
    paid: uint256[N] = empty(uint256[N])
    for k: uint256 in range(N):
        paid[k] = self.held[k] * burnt // self.totalSupply
        assert paid[k] >= min_amounts[k], "too little"
        self.held[k] -= paid[k]
        self._pay(coins[k], paid[k])
    self.totalSupply -= burnt
    self.balanceOf[msg.sender] -= burnt
    log IERC20.Transfer(sender=msg.sender, receiver=empty(address), value=burnt)
    log RemoveLiquidity(
        provider=msg.sender,
        token_amounts=self._listed(paid),
        fees=self._listed(empty(uint256[N])),
        token_supply=self.totalSupply,
    )
    return self._listed(paid)


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
def set_new_fee(new_fee: uint256, new_multiplier: uint256):
    assert msg.sender == self.owner, "owner"
    assert new_fee <= MAX_FEE and new_fee * new_multiplier <= MAX_FEE * FEE_DENOMINATOR, "fee"
    self.fee = new_fee
    self.offpeg_fee_multiplier = new_multiplier
    log ApplyNewFee(fee=new_fee, offpeg_fee_multiplier=new_multiplier)


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
