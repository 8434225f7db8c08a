# pragma version 0.4.3
"""
@notice Says that orders were filled and matched, as the second version of a conditional-token exchange does, and
        moves nothing: who reads wallets' trades needs no more of one.
"""

event OrderFilled:
    orderHash: indexed(bytes32)
    maker: indexed(address)
    taker: indexed(address)
    side: uint8
    tokenId: uint256
    makerAmountFilled: uint256
    takerAmountFilled: uint256
    fee: uint256
    builder: bytes32
    metadata: bytes32


event OrdersMatched:
    takerOrderHash: indexed(bytes32)
    takerOrderMaker: indexed(address)
    side: uint8
    tokenId: uint256
    makerAmountFilled: uint256
    takerAmountFilled: uint256


nonce: uint256


@external
def trade(maker: address, taker: address, taker_buys: bool, token_id: uint256, size: uint256, amount: uint256):
    self._fill(maker, taker, not taker_buys, token_id, size, amount)
    order: bytes32 = self._fill(taker, self, taker_buys, token_id, size, amount)
    gives: uint256 = amount if taker_buys else size
    gets: uint256 = size if taker_buys else amount
    log OrdersMatched(
        takerOrderHash=order,
        takerOrderMaker=taker,
        side=0 if taker_buys else 1,
        tokenId=token_id,
        makerAmountFilled=gives,
        takerAmountFilled=gets,
    )


@internal
def _fill(
    wallet: address, counterparty: address, is_buy: bool, token_id: uint256, size: uint256, amount: uint256
) -> bytes32:
    self.nonce += 1
    order: bytes32 = keccak256(abi_encode(wallet, self.nonce))
    log OrderFilled(
        orderHash=order,
        maker=wallet,
        taker=counterparty,
        side=0 if is_buy else 1,
        tokenId=token_id,
        makerAmountFilled=amount if is_buy else size,
        takerAmountFilled=size if is_buy else amount,
        fee=0,
        builder=empty(bytes32),
        metadata=empty(bytes32),
    )
    return order
