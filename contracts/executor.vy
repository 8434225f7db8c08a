# pragma version 0.4.3
# pragma optimize gas
# pragma evm-version cancun
"""
@title Executor
@notice Trades in a circle with borrowed money, or with the owner's, wholly or not at all.
@dev An operator hands over a plan: bytes, written by src/tidemill/execute/plan/route_codec.py, numbers big-endian.

    head  source 1 · lender 20 · token 20 · amount 16 · least profit 16 · last block 5 · loan fee 3 (ppm)
    hop   kind 1 · pool or vault 20 · token out 20 · least out 16 · what its kind needs besides:
          0 Uniswap V2   fee 3 (ppm)            1 Uniswap V3, 6 Algebra, 7 Solidly   nothing
          2 Curve        i 1, j 1, 1: indices are uint256     3 Balancer V2   pool id 32
          4 Balancer V3  pool 20                5 Uniswap V4  fee 3, tick spacing 3, hooks 20

A pair of Uniswap V2 that lends and is the first hop's pool, too, is that hop: it gives what the amount buys and is paid the amount later.

Each hop sells all that came of the hop before it, as the token itself counts. Who may call back, and with which bytes, is noted before a
call and struck out by the callback that answers it. What is left of the token goes to the owner at the end.
"""

interface Token:
    def balanceOf(who: address) -> uint256: view
    def allowance(giver: address, taker: address) -> uint256: view
    def transfer(to: address, size: uint256) -> bool: nonpayable
    def transferFrom(giver: address, to: address, size: uint256) -> bool: nonpayable
    def approve(taker: address, size: uint256) -> bool: nonpayable

interface UniswapV2Pair:
    def token0() -> address: view
    def getReserves() -> (uint256, uint256, uint256): view
    def swap(out0: uint256, out1: uint256, to: address, data: Bytes[MOST_BYTES]): nonpayable

interface SolidlyPair:
    def getAmountOut(size: uint256, token_in: address) -> uint256: view

interface UniswapV3Pool:
    def token0() -> address: view
    def swap(
        to: address, zero_for_one: bool, size: int256, limit: uint160, data: Bytes[32]
    ) -> (int256, int256): nonpayable
    def flash(to: address, size0: uint256, size1: uint256, data: Bytes[MOST_BYTES]): nonpayable

interface AaveV3Pool:
    def flashLoanSimple(
        receiver: address, token: address, size: uint256, data: Bytes[MOST_BYTES], referral: uint16
    ): nonpayable

struct SingleSwap:
    pool_id: bytes32
    kind: uint8
    token_in: address
    token_out: address
    size: uint256
    user_data: Bytes[32]

struct Funds:
    sender: address
    from_internal: bool
    recipient: address
    to_internal: bool

interface BalancerV2Vault:
    def flashLoan(
        receiver: address,
        tokens: DynArray[address, 1],
        sizes: DynArray[uint256, 1],
        data: Bytes[MOST_BYTES],
    ): nonpayable
    def swap(single: SingleSwap, funds: Funds, limit: uint256, deadline: uint256) -> uint256: nonpayable

struct VaultSwap:
    kind: uint8
    pool: address
    token_in: address
    token_out: address
    size: uint256
    limit: uint256
    user_data: Bytes[32]

interface BalancerV3Vault:
    def swap(params: VaultSwap) -> (uint256, uint256, uint256): nonpayable
    def sendTo(token: address, to: address, size: uint256): nonpayable
    def settle(token: address, hint: uint256) -> uint256: nonpayable

interface Morpho:
    def flashLoan(token: address, size: uint256, data: Bytes[MOST_BYTES]): nonpayable

struct PoolKey:
    currency0: address
    currency1: address
    fee: uint24
    tick_spacing: int24
    hooks: address

struct V4Swap:
    zero_for_one: bool
    size: int256
    limit: uint160

interface UniswapV4Manager:
    def unlock(data: Bytes[MOST_BYTES]) -> Bytes[32]: nonpayable
    def swap(key: PoolKey, params: V4Swap, hook_data: Bytes[32]) -> int256: nonpayable
    def sync(token: address): nonpayable
    def settle() -> uint256: nonpayable
    def take(token: address, to: address, size: uint256): nonpayable

struct Hop:
    kind: uint256
    pool: address
    token_in: address
    token_out: address
    size: uint256
    extra: uint256  # the last word of the hop: what its kind needs is at the low end
    own_word: uint256  # the word before what its kind needs in three parts; V4's

event Executed:
    token: indexed(address)
    amount: uint256
    profit: uint256
    source: uint256

event OwnerChanged:
    owner: indexed(address)

event OperatorChanged:
    operator: indexed(address)
    may_execute: bool

MOST_BYTES: constant(uint256) = 1024
HEAD_BYTES: constant(uint256) = 81
HOP_BYTES: constant(uint256) = 57
HOPS_MAX: constant(uint256) = 10

OWN_FUNDS: constant(uint256) = 0
BALANCER_V3: constant(uint256) = 1
AAVE_V3: constant(uint256) = 2
BALANCER_V2: constant(uint256) = 3
UNISWAP_V3: constant(uint256) = 4
UNISWAP_V2: constant(uint256) = 5
MORPHO: constant(uint256) = 6
UNISWAP_V4: constant(uint256) = 7

HOP_UNISWAP_V2: constant(uint256) = 0
HOP_UNISWAP_V3: constant(uint256) = 1
HOP_CURVE: constant(uint256) = 2
HOP_BALANCER_V2: constant(uint256) = 3
HOP_BALANCER_V3: constant(uint256) = 4
HOP_UNISWAP_V4: constant(uint256) = 5
HOP_ALGEBRA: constant(uint256) = 6
HOP_SOLIDLY: constant(uint256) = 7

ADDRESS: constant(uint256) = 2**160 - 1
LEAST_SQRT_PRICE: constant(uint160) = 4295128740
MOST_SQRT_PRICE: constant(uint160) = 1461446703485210103287273052203988822378723970341
A_SWAP: constant(bytes32) = keccak256("swap callback")

owner: public(address)
heir: public(address)
is_operator: public(HashMap[address, bool])

running: transient(bool)
awaited: transient(address)
awaited_digest: transient(bytes32)
owed_token: transient(address)
owed_size: transient(uint256)
unlocked: transient(address)


@deploy
def __init__(owner: address, operator: address):
    assert owner != empty(address), "no owner"
    self.owner = owner
    log OwnerChanged(owner=owner)
    if operator != empty(address):
        self.is_operator[operator] = True
        log OperatorChanged(operator=operator, may_execute=True)


@external
def execute(plan: Bytes[MOST_BYTES]) -> uint256:
    """
    @notice Borrow, trade, repay, and hand the profit to the owner.
    @return The profit in the borrowed token.
    """
    assert self.is_operator[msg.sender], "not an operator"
    assert not self.running, "running"
    self.running = True
    word: uint256 = extract32(plan, HEAD_BYTES - 32, output_type=uint256)
    assert block.number <= (word >> 24) & (2**40 - 1), "too late"
    least_profit: uint256 = (word >> 64) & (2**128 - 1)
    amount: uint256 = extract32(plan, 25, output_type=uint256) & (2**128 - 1)
    token: address = convert(extract32(plan, 9, output_type=uint256) & ADDRESS, address)
    source: uint256 = extract32(plan, 0, output_type=uint256) >> 248
    before: uint256 = staticcall Token(token).balanceOf(self)
    if source == OWN_FUNDS:
        assert extcall Token(token).transferFrom(
            self.owner, self, amount, default_return_value=True
        ), "funds"
        self._trade(plan, token, amount, 0)
        before += amount
    else:
        self._borrow(plan, source, token, amount)
    held: uint256 = staticcall Token(token).balanceOf(self)
    assert held >= before + least_profit, "no profit"
    if held != 0:
        assert extcall Token(token).transfer(self.owner, held, default_return_value=True), "transfer"
    self.running = False
    log Executed(token=token, amount=amount, profit=held - before, source=source)
    return held - before


@external
def set_operator(operator: address, may_execute: bool):
    """@notice Let `operator` execute, or no longer."""
    assert msg.sender == self.owner, "not the owner"
    self.is_operator[operator] = may_execute
    log OperatorChanged(operator=operator, may_execute=may_execute)


@external
def offer_ownership(heir: address):
    """@notice Let `heir` become the owner; zero: nobody."""
    assert msg.sender == self.owner, "not the owner"
    self.heir = heir


@external
def accept_ownership():
    """@notice Become the owner, where the owner offered it."""
    assert msg.sender == self.heir, "not the heir"
    self.owner = msg.sender
    self.heir = empty(address)
    log OwnerChanged(owner=msg.sender)


@external
def rescue(token: address):
    """@notice Send all that is here of `token`, or of ether where it is zero, to the owner."""
    assert msg.sender == self.owner, "not the owner"
    assert not self.running, "running"
    if token == empty(address):
        raw_call(msg.sender, b"", value=self.balance)
    else:
        held: uint256 = staticcall Token(token).balanceOf(self)
        assert extcall Token(token).transfer(msg.sender, held, default_return_value=True), "transfer"


@internal
def _borrow(plan: Bytes[MOST_BYTES], source: uint256, token: address, amount: uint256):
    lender: address = convert((extract32(plan, 0, output_type=uint256) >> 88) & ADDRESS, address)
    self._expect(lender, keccak256(plan))
    if source == BALANCER_V3 or source == UNISWAP_V4:
        # The first calls back with what it is given, as call data; the second with the name it knows.
        self.unlocked = lender
        if source == UNISWAP_V4:
            extcall UniswapV4Manager(lender).unlock(plan)
        else:
            raw_call(
                lender,
                abi_encode(
                    abi_encode(plan, method_id=method_id("balancer_v3_loan(bytes)")),
                    method_id=method_id("unlock(bytes)"),
                ),
            )
        self.unlocked = empty(address)
    elif source == AAVE_V3:
        extcall AaveV3Pool(lender).flashLoanSimple(self, token, amount, plan, 0)
        self._check_taken(token, lender)
    elif source == BALANCER_V2:
        extcall BalancerV2Vault(lender).flashLoan(self, [token], [amount], plan)
    elif source == MORPHO:
        extcall Morpho(lender).flashLoan(token, amount, plan)
        self._check_taken(token, lender)
    elif source == UNISWAP_V3:
        if staticcall UniswapV3Pool(lender).token0() == token:
            extcall UniswapV3Pool(lender).flash(self, amount, 0, plan)
        else:
            extcall UniswapV3Pool(lender).flash(self, 0, amount, plan)
    elif source == UNISWAP_V2 and self._first_pool(plan) == lender:
        self._buy_first(plan, token, amount)
    elif source == UNISWAP_V2:
        if staticcall UniswapV2Pair(lender).token0() == token:
            extcall UniswapV2Pair(lender).swap(amount, 0, self, plan)
        else:
            extcall UniswapV2Pair(lender).swap(0, amount, self, plan)
    else:
        raise "no such source"
    # A lender that never called back has traded nothing, and must not be able to call later.
    assert self.awaited == empty(address), "no callback"


@internal
def _expect(caller: address, digest: bytes32):
    """Note who may call back next, and with what."""
    self.awaited = caller
    self.awaited_digest = digest


@internal
def _answer(digest: bytes32):
    """Strike out who was awaited: a callback counts once, from the awaited caller, with the awaited bytes."""
    assert msg.sender == self.awaited and digest == self.awaited_digest, "not awaited"
    self.awaited = empty(address)


@internal
def _lent(plan: Bytes[MOST_BYTES], source: uint256) -> (address, uint256):
    """Check that the lender of `source` calls back with the plan it was given; return token and amount."""
    self._answer(keccak256(plan))
    assert extract32(plan, 0, output_type=uint256) >> 248 == source, "not awaited"
    token: address = convert(extract32(plan, 9, output_type=uint256) & ADDRESS, address)
    return token, extract32(plan, 25, output_type=uint256) & (2**128 - 1)


@internal
@pure
def _first_pool(plan: Bytes[MOST_BYTES]) -> address:
    return convert((extract32(plan, HEAD_BYTES, output_type=uint256) >> 88) & ADDRESS, address)


@internal
def _buy_first(plan: Bytes[MOST_BYTES], token: address, amount: uint256):
    """Have the first hop's pair give what `amount` buys before it is paid."""
    assert extract32(plan, HEAD_BYTES, output_type=uint256) >> 248 == HOP_UNISWAP_V2, "no such source"
    hop: Hop = empty(Hop)
    hop.pool = self._first_pool(plan)
    hop.token_in = token
    hop.token_out = convert(extract32(plan, HEAD_BYTES + 9, output_type=uint256) & ADDRESS, address)
    hop.size = amount
    hop.extra = extract32(plan, HEAD_BYTES + HOP_BYTES + 3 - 32, output_type=uint256)
    self.owed_size = staticcall Token(hop.token_out).balanceOf(self)
    self._take_of_pair(hop, self._uniswap_v2_out(hop), plan)


@internal
def _trade(plan: Bytes[MOST_BYTES], token: address, amount: uint256, bought: uint256):
    """Make every hop, and end where it began; where `bought` is not zero, the first is made and gave that."""
    hop: Hop = empty(Hop)
    hop.token_out = token
    hop.size = amount
    at: uint256 = HEAD_BYTES
    for _: uint256 in range(HOPS_MAX):
        if at == len(plan):
            break
        hop.token_in = hop.token_out
        hop.kind = extract32(plan, at, output_type=uint256) >> 248
        hop.pool = convert((extract32(plan, at, output_type=uint256) >> 88) & ADDRESS, address)
        hop.token_out = convert(extract32(plan, at + 9, output_type=uint256) & ADDRESS, address)
        least_out: uint256 = extract32(plan, at + HOP_BYTES - 32, output_type=uint256) & (2**128 - 1)
        at += HOP_BYTES + self._extra_bytes(hop.kind)
        hop.extra = extract32(plan, at - 32, output_type=uint256)
        hop.own_word = extract32(plan, at - 52, output_type=uint256)
        if bought != 0:
            hop.size = bought
            bought = 0
        else:
            before: uint256 = staticcall Token(hop.token_out).balanceOf(self)
            self._swap(hop)
            # Counted, not believed: what a pool only says it gave must not be sold out of what lay here before.
            hop.size = staticcall Token(hop.token_out).balanceOf(self) - before
        assert hop.size >= least_out, "too little out"
    assert at == len(plan) and hop.token_out == token, "not a circle"


@internal
@pure
def _extra_bytes(kind: uint256) -> uint256:
    if kind == HOP_UNISWAP_V2 or kind == HOP_CURVE:
        return 3
    if kind == HOP_BALANCER_V2:
        return 32
    if kind == HOP_BALANCER_V3:
        return 20
    if kind == HOP_UNISWAP_V4:
        return 26
    return 0


@internal
def _swap(hop: Hop):
    """Sell all of `hop.size`."""
    if hop.kind == HOP_UNISWAP_V2:
        self._swap_pair(hop, self._uniswap_v2_out(hop))
    elif hop.kind == HOP_SOLIDLY:
        self._swap_pair(hop, staticcall SolidlyPair(hop.pool).getAmountOut(hop.size, hop.token_in))
    elif hop.kind == HOP_UNISWAP_V3 or hop.kind == HOP_ALGEBRA:
        self._swap_ticked(hop)
    elif hop.kind == HOP_CURVE:
        self._swap_curve(hop)
    elif hop.kind == HOP_BALANCER_V2:
        self._swap_balancer_v2(hop)
    elif hop.kind == HOP_BALANCER_V3:
        if self.unlocked == hop.pool:
            self._swap_balancer_v3(hop)
        else:
            data: Bytes[MOST_BYTES] = abi_encode(hop)
            self._expect(hop.pool, keccak256(data))
            raw_call(
                hop.pool,
                abi_encode(
                    abi_encode(data, method_id=method_id("balancer_v3_swap(bytes)")),
                    method_id=method_id("unlock(bytes)"),
                ),
            )
    else:
        assert hop.kind == HOP_UNISWAP_V4, "no such hop"
        if self.unlocked == hop.pool:
            self._swap_uniswap_v4(hop)
        else:
            data: Bytes[MOST_BYTES] = abi_encode(hop)
            self._expect(hop.pool, keccak256(data))
            extcall UniswapV4Manager(hop.pool).unlock(data)
    assert self.awaited == empty(address), "no callback"


@internal
@view
def _uniswap_v2_out(hop: Hop) -> uint256:
    reserve0: uint256 = 0
    reserve1: uint256 = 0
    stamp: uint256 = 0
    reserve0, reserve1, stamp = staticcall UniswapV2Pair(hop.pool).getReserves()
    zero_for_one: bool = convert(hop.token_in, uint256) < convert(hop.token_out, uint256)
    reserve_in: uint256 = reserve0 if zero_for_one else reserve1
    reserve_out: uint256 = reserve1 if zero_for_one else reserve0
    kept: uint256 = hop.size * (1_000_000 - (hop.extra & (2**24 - 1)))
    return kept * reserve_out // (reserve_in * 1_000_000 + kept)


@internal
def _swap_pair(hop: Hop, size_out: uint256):
    assert extcall Token(hop.token_in).transfer(hop.pool, hop.size, default_return_value=True), "transfer"
    self._take_of_pair(hop, size_out, b"")


@internal
def _take_of_pair(hop: Hop, size_out: uint256, data: Bytes[MOST_BYTES]):
    if convert(hop.token_in, uint256) < convert(hop.token_out, uint256):
        extcall UniswapV2Pair(hop.pool).swap(0, size_out, self, data)
    else:
        extcall UniswapV2Pair(hop.pool).swap(size_out, 0, self, data)


@internal
def _swap_ticked(hop: Hop):
    self._expect(hop.pool, A_SWAP)
    self.owed_token = hop.token_in
    self.owed_size = hop.size
    zero_for_one: bool = convert(hop.token_in, uint256) < convert(hop.token_out, uint256)
    extcall UniswapV3Pool(hop.pool).swap(
        self, zero_for_one, convert(hop.size, int256), self._limit(zero_for_one), b""
    )


@internal
@pure
def _limit(zero_for_one: bool) -> uint160:
    return LEAST_SQRT_PRICE if zero_for_one else MOST_SQRT_PRICE


@internal
def _swap_curve(hop: Hop):
    """Some of Curve's pools return nothing, so nothing is read of it."""
    self._approve(hop.token_in, hop.pool, hop.size)
    i: uint256 = (hop.extra >> 16) & 255
    j: uint256 = (hop.extra >> 8) & 255
    selector: Bytes[4] = method_id("exchange(int128,int128,uint256,uint256)")
    if hop.extra & 255 == 1:
        selector = method_id("exchange(uint256,uint256,uint256,uint256)")
    raw_call(hop.pool, concat(selector, abi_encode(i, j, hop.size, empty(uint256))))
    self._check_taken(hop.token_in, hop.pool)


@internal
def _swap_balancer_v2(hop: Hop):
    self._approve(hop.token_in, hop.pool, hop.size)
    extcall BalancerV2Vault(hop.pool).swap(
        SingleSwap(
            pool_id=convert(hop.extra, bytes32),
            kind=0,
            token_in=hop.token_in,
            token_out=hop.token_out,
            size=hop.size,
            user_data=b"",
        ),
        Funds(sender=self, from_internal=False, recipient=self, to_internal=False),
        0,
        block.timestamp,
    )
    self._check_taken(hop.token_in, hop.pool)


@internal
def _swap_balancer_v3(hop: Hop):
    calculated: uint256 = 0
    size_in: uint256 = 0
    size_out: uint256 = 0
    calculated, size_in, size_out = extcall BalancerV3Vault(hop.pool).swap(
        VaultSwap(
            kind=0,
            pool=convert(hop.extra & ADDRESS, address),
            token_in=hop.token_in,
            token_out=hop.token_out,
            size=hop.size,
            limit=0,
            user_data=b"",
        )
    )
    assert size_in == hop.size, "not all sold"
    self._settle_balancer_v3(hop.pool, hop.token_in, size_in)
    extcall BalancerV3Vault(hop.pool).sendTo(hop.token_out, self, size_out)


@internal
def _settle_balancer_v3(vault: address, token: address, size: uint256):
    assert extcall Token(token).transfer(vault, size, default_return_value=True), "transfer"
    extcall BalancerV3Vault(vault).settle(token, size)


@internal
def _swap_uniswap_v4(hop: Hop):
    zero_for_one: bool = convert(hop.token_in, uint256) < convert(hop.token_out, uint256)
    change: int256 = extcall UniswapV4Manager(hop.pool).swap(
        PoolKey(
            currency0=hop.token_in if zero_for_one else hop.token_out,
            currency1=hop.token_out if zero_for_one else hop.token_in,
            fee=convert((hop.own_word >> 24) & (2**24 - 1), uint24),
            tick_spacing=convert(convert(hop.own_word & (2**24 - 1), int256), int24),
            hooks=convert(hop.extra & ADDRESS, address),
        ),
        V4Swap(zero_for_one=zero_for_one, size=-convert(hop.size, int256), limit=self._limit(zero_for_one)),
        b"",
    )
    # The first token's change is in the upper half, the second's in the lower, each signed.
    change0: int256 = change >> 128
    change1: int256 = (change << 128) >> 128
    size_in: int256 = -(change0 if zero_for_one else change1)
    size_out: int256 = change1 if zero_for_one else change0
    assert size_in == convert(hop.size, int256), "not all sold"
    self._settle_uniswap_v4(hop.pool, hop.token_in, hop.size)
    extcall UniswapV4Manager(hop.pool).take(hop.token_out, self, convert(size_out, uint256))


@internal
def _settle_uniswap_v4(manager: address, token: address, size: uint256):
    extcall UniswapV4Manager(manager).sync(token)
    assert extcall Token(token).transfer(manager, size, default_return_value=True), "transfer"
    extcall UniswapV4Manager(manager).settle()


@internal
def _approve(token: address, taker: address, size: uint256):
    assert extcall Token(token).approve(taker, size, default_return_value=True), "approve"


@internal
@view
def _check_taken(token: address, taker: address):
    """All that was approved is gone: nothing is left behind, and no allowance stands."""
    assert staticcall Token(token).allowance(self, taker) == 0, "not all taken"


# The lenders' callbacks.


@external
def balancer_v3_loan(plan: Bytes[MOST_BYTES]):
    """@notice Balancer V3's vault is unlocked."""
    token: address = empty(address)
    amount: uint256 = 0
    token, amount = self._lent(plan, BALANCER_V3)
    extcall BalancerV3Vault(msg.sender).sendTo(token, self, amount)
    self._trade(plan, token, amount, 0)
    self._settle_balancer_v3(msg.sender, token, amount)


@external
def executeOperation(
    asset: address, amount: uint256, premium: uint256, initiator: address, plan: Bytes[MOST_BYTES]
) -> bool:
    """@notice Aave V3 has lent; it takes what is owed after this."""
    assert initiator == self, "not ours"
    token: address = empty(address)
    borrowed: uint256 = 0
    token, borrowed = self._lent(plan, AAVE_V3)
    self._trade(plan, token, borrowed, 0)
    self._approve(token, msg.sender, borrowed + premium)
    return True


@external
def receiveFlashLoan(
    tokens: DynArray[address, 1],
    amounts: DynArray[uint256, 1],
    fees: DynArray[uint256, 1],
    plan: Bytes[MOST_BYTES],
):
    """@notice Balancer V2 has lent."""
    token: address = empty(address)
    amount: uint256 = 0
    token, amount = self._lent(plan, BALANCER_V2)
    self._trade(plan, token, amount, 0)
    assert extcall Token(token).transfer(msg.sender, amount + fees[0], default_return_value=True), "transfer"


@external
def onMorphoFlashLoan(assets: uint256, plan: Bytes[MOST_BYTES]):
    """@notice Morpho has lent; it takes what is owed after this."""
    token: address = empty(address)
    amount: uint256 = 0
    token, amount = self._lent(plan, MORPHO)
    self._trade(plan, token, amount, 0)
    self._approve(token, msg.sender, amount)


@external
def uniswapV3FlashCallback(fee0: uint256, fee1: uint256, plan: Bytes[MOST_BYTES]):
    """@notice A pool of Uniswap V3 has lent."""
    self._lent_by_pool(fee0, fee1, plan)


@external
def pancakeV3FlashCallback(fee0: uint256, fee1: uint256, plan: Bytes[MOST_BYTES]):
    """@notice A pool of Pancake V3 has lent."""
    self._lent_by_pool(fee0, fee1, plan)


@external
def algebraFlashCallback(fee0: uint256, fee1: uint256, plan: Bytes[MOST_BYTES]):
    """@notice A pool of Algebra has lent."""
    self._lent_by_pool(fee0, fee1, plan)


@internal
def _lent_by_pool(fee0: uint256, fee1: uint256, plan: Bytes[MOST_BYTES]):
    token: address = empty(address)
    amount: uint256 = 0
    token, amount = self._lent(plan, UNISWAP_V3)
    self._trade(plan, token, amount, 0)
    # The fee of the token that was not borrowed is nothing.
    owed: uint256 = amount + fee0 + fee1
    assert extcall Token(token).transfer(msg.sender, owed, default_return_value=True), "transfer"


@external
def uniswapV2Call(sender: address, size0: uint256, size1: uint256, plan: Bytes[MOST_BYTES]):
    """@notice A pair of Uniswap V2 has lent."""
    self._lent_by_pair(sender, plan)


@external
def pancakeCall(sender: address, size0: uint256, size1: uint256, plan: Bytes[MOST_BYTES]):
    """@notice A pair of Pancake V2 has lent."""
    self._lent_by_pair(sender, plan)


@external
def hook(sender: address, size0: uint256, size1: uint256, plan: Bytes[MOST_BYTES]):
    """@notice A pair of Solidly has lent."""
    self._lent_by_pair(sender, plan)


@internal
def _lent_by_pair(sender: address, plan: Bytes[MOST_BYTES]):
    assert sender == self, "not ours"
    token: address = empty(address)
    amount: uint256 = 0
    token, amount = self._lent(plan, UNISWAP_V2)
    owed: uint256 = amount
    if self._first_pool(plan) == msg.sender:
        token_out: address = convert(extract32(plan, HEAD_BYTES + 9, output_type=uint256) & ADDRESS, address)
        bought: uint256 = staticcall Token(token_out).balanceOf(self) - self.owed_size
        assert bought != 0, "nothing bought"
        self._trade(plan, token, amount, bought)
    else:
        self._trade(plan, token, amount, 0)
        fee_ppm: uint256 = extract32(plan, HEAD_BYTES - 32, output_type=uint256) & (2**24 - 1)
        # The pair keeps its product only if what comes back, less the fee, is what went: rounded up.
        owed = amount * 1_000_000 // (1_000_000 - fee_ppm) + 1
    assert extcall Token(token).transfer(msg.sender, owed, default_return_value=True), "transfer"


@external
def unlockCallback(data: Bytes[MOST_BYTES]) -> Bytes[32]:
    """@notice Uniswap V4's manager is unlocked, for a loan or for a hop outside of one."""
    if self.unlocked == msg.sender:
        token: address = empty(address)
        amount: uint256 = 0
        token, amount = self._lent(data, UNISWAP_V4)
        extcall UniswapV4Manager(msg.sender).take(token, self, amount)
        self._trade(data, token, amount, 0)
        self._settle_uniswap_v4(msg.sender, token, amount)
    else:
        self._answer(keccak256(data))
        self._swap_uniswap_v4(abi_decode(data, Hop))
    return b""


# The pools' callbacks.


@external
def balancer_v3_swap(data: Bytes[MOST_BYTES]):
    """@notice Balancer V3's vault is unlocked for a hop outside of a loan of its own."""
    self._answer(keccak256(data))
    self._swap_balancer_v3(abi_decode(data, Hop))


@external
def __default__():
    """
    @notice Pay for a swap: Uniswap V3's pools and their forks each have a name of their own for the question,
            but all ask (amount0, amount1, data).
    """
    self._answer(A_SWAP)
    change0: int256 = convert(slice(msg.data, 4, 32), int256)
    change1: int256 = convert(slice(msg.data, 36, 32), int256)
    assert max(change0, change1) == convert(self.owed_size, int256), "not all sold"
    assert extcall Token(self.owed_token).transfer(msg.sender, self.owed_size, default_return_value=True), "transfer"
