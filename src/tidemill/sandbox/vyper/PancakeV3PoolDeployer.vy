# pragma version 0.4.3
"""
@notice What PancakeV3Factory asks to make its pools; its package carries the factory and the pool but not this.
@dev A pool reads `parameters` while it is being made. It is made of exactly the package's creation code, which is
     kept as a blueprint, so that its address follows from the known init hash.
"""

struct Parameters:
    factory: address
    token0: address
    token1: address
    fee: uint24
    tick_spacing: int24

BLUEPRINT: immutable(address)
parameters: public(Parameters)


@deploy
def __init__(blueprint: address):
    BLUEPRINT = blueprint


@external
def deploy(factory: address, token0: address, token1: address, fee: uint24, tickSpacing: int24) -> address:
    self.parameters = Parameters(
        factory=factory, token0=token0, token1=token1, fee=fee, tick_spacing=tickSpacing
    )
    pool: address = create_from_blueprint(BLUEPRINT, salt=keccak256(abi_encode(token0, token1, fee)))
    self.parameters = empty(Parameters)
    return pool
