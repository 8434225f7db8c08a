# pragma version 0.4.3
"""
@notice What stands, within one `eth_call`, where a holder of a token and a stranger are: the holder gives the stranger a part
        of its balance, the stranger gives it back, and it is told what each of them had meanwhile.
"""

struct Had:
    is_told: bool
    holder: uint256
    stranger: uint256

# A hundredth: large enough for a fee to show, small enough for a limit on transfers to let it pass.
PART: constant(uint256) = 100
SMALL: constant(uint256) = 1_000_000


@external
def give(token: address, to: address, amount: uint256) -> bool:
    return self._give(token, to, amount)


@external
def probe(token: address, stranger: address) -> DynArray[uint256, 10]:
    """
    @return What holder and stranger had, the amount moved, what they had, the amount moved back, and what they had:
            8 numbers; fewer where a balance is not told or a transfer fails.
    """
    told: DynArray[uint256, 10] = []
    had: Had = self._had(token, stranger)
    if not had.is_told:
        return told
    told = [had.holder, had.stranger]
    amount: uint256 = had.holder // PART
    if amount < SMALL:
        amount = had.holder
    if amount == 0 or not self._give(token, stranger, amount):
        return told
    before: uint256 = had.stranger
    had = self._had(token, stranger)
    if not had.is_told or had.stranger < before:
        return told
    told.append(amount)
    told.append(had.holder)
    told.append(had.stranger)
    amount = had.stranger - before
    is_given: bool = False
    answer: Bytes[32] = b""
    is_given, answer = raw_call(
        stranger,
        abi_encode(token, self, amount, method_id=method_id("give(address,address,uint256)")),
        max_outsize=32,
        revert_on_failure=False,
    )
    if amount == 0 or not is_given or len(answer) != 32 or convert(answer, uint256) != 1:
        return told
    had = self._had(token, stranger)
    if had.is_told:
        told.append(amount)
        told.append(had.holder)
        told.append(had.stranger)
    return told


@view
@internal
def _had(token: address, stranger: address) -> Had:
    holder_told: bool = False
    holder: uint256 = 0
    stranger_told: bool = False
    had: uint256 = 0
    holder_told, holder = self._balance(token, self)
    stranger_told, had = self._balance(token, stranger)
    return Had(is_told=holder_told and stranger_told, holder=holder, stranger=had)


@view
@internal
def _balance(token: address, owner: address) -> (bool, uint256):
    is_told: bool = False
    answer: Bytes[64] = b""
    is_told, answer = raw_call(
        token,
        abi_encode(owner, method_id=method_id("balanceOf(address)")),
        max_outsize=64,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not is_told or len(answer) != 32:
        return False, 0
    return True, convert(slice(answer, 0, 32), uint256)


@internal
def _give(token: address, to: address, amount: uint256) -> bool:
    is_given: bool = False
    answer: Bytes[32] = b""
    is_given, answer = raw_call(
        token,
        abi_encode(to, amount, method_id=method_id("transfer(address,uint256)")),
        max_outsize=32,
        revert_on_failure=False,
    )
    # Old tokens say nothing; those that say false moved nothing.
    return is_given and (len(answer) != 32 or convert(answer, uint256) == 1)
