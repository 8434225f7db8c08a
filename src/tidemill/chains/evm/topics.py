"""Which logs are tracked: those that create a pool, move its state, or trade with it.

Source: keccak-256 of the event signatures of Uniswap/v2-core 1.0.1, v3-core 1.0.1, v4-core 1.0.2,
pancakeswap/v3-core 1.0.2, Solidly's and Aerodrome's interfaces, @cryptoalgebra/core 2.0.0 and 3.0.0 and
@cryptoalgebra/integral-core 1.2.10.
"""

from collections.abc import Collection

from tidemill._rust import keccak256

PAIR_CREATED = bytes.fromhex("0d3648bd0f6ba80134a33ba9275ac585d9d315f0ad8355cddefde31afa28d0e9")
"""PairCreated(address,address,address,uint256), of a V2 factory."""
POOL_CREATED = bytes.fromhex("783cca1c0412dd0d695e784568c96da2e9c22ff989357a2e8b1d9b2b4e6b7118")
"""PoolCreated(address,address,uint24,int24,address), of a V3 factory."""

SOLIDLY_PAIR_CREATED = bytes.fromhex("c4805696c66d7cf352fc1d6bb633ad5ee82f6cb577c453024b6e0eb8306c6fc9")
"""PairCreated(address,address,bool,address,uint256), of a Solidly factory."""
VELODROME_POOL_CREATED = bytes.fromhex("2128d88d14c80cb081c1252a5acff7a264671bf199ce226b53788fb26065005e")
"""PoolCreated(address,address,bool,address,uint256), of a Velodrome V2 or Aerodrome factory."""
ALGEBRA_POOL = bytes.fromhex("91ccaa7a278130b65168c3a0c8d3bcae84cf5e43704342bd3ec0b59e59c036db")
"""Pool(address,address,address), of an Algebra factory."""
ALGEBRA_CUSTOM_POOL = bytes.fromhex("8a5f030f5fc13b04a1e4ef7c47177e3d76b0e80e1d9be9843db37caa5b7b9b8f")
"""CustomPool(address,address,address,address), of an Algebra Integral factory."""
V4_INITIALIZE = bytes.fromhex("dd466e674ea557f56295e2d0218a125ea4b4f0f6f3307b95f85e6110838d6438")
"""Initialize(bytes32,address,address,uint24,int24,address,uint160,int24), of Uniswap V4's manager."""

TOKENS_REGISTERED = bytes.fromhex("f5847d3f2197b16cdcd2098ec95d0905cd1abdaf415f07bb7cef2bba8ac5dec4")
"""TokensRegistered(bytes32,address[],address[]), of Balancer V2's vault: the tokens of a new pool."""

CREATION_TOPICS = (
    PAIR_CREATED,
    POOL_CREATED,
    SOLIDLY_PAIR_CREATED,
    VELODROME_POOL_CREATED,
    ALGEBRA_POOL,
    ALGEBRA_CUSTOM_POOL,
    V4_INITIALIZE,
    TOKENS_REGISTERED,
)

TRACKED_TOPICS = (
    PAIR_CREATED,
    bytes.fromhex("4c209b5fc8ad50758f13e2e1088ba56a560dff690a1c6fef26394f4c03821c4f"),  # V2 Mint
    bytes.fromhex("dccd412f0b1252819cb1fd330b93224ca42612892bb3f4f789976e6d81936496"),  # V2 Burn
    bytes.fromhex("d78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822"),  # V2 Swap
    bytes.fromhex("1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1"),  # V2 Sync
    POOL_CREATED,
    bytes.fromhex("98636036cb66a9c19a37435efc1e90142190214e8abeb821bdba3f2990dd4c95"),  # V3 Initialize
    bytes.fromhex("7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde"),  # V3 Mint
    bytes.fromhex("0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c"),  # V3 Burn
    bytes.fromhex("c42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"),  # V3 Swap
    bytes.fromhex("19b47279256b2a23a1665c810c8d55a1758940ee09377d4f8d26497a3577dc83"),  # Pancake V3 Swap
    SOLIDLY_PAIR_CREATED,
    VELODROME_POOL_CREATED,
    bytes.fromhex("ae468ce586f9a87660fdffc1448cee942042c16ae2f02046b134b5224f31936b"),  # SetCustomFee
    bytes.fromhex("cf2aa50876cdfbb541206f89af0ee78d44a2abf8d328e37fa4917f982149848a"),  # Solidly Sync
    bytes.fromhex("b3e2773606abfd36b5bd91394b3a54d1398336c65005baf7bf7a05efeffaf75b"),  # Velodrome Swap
    bytes.fromhex("5d624aa9c148153ab3446c1b154f660ee7701e549fe9b62dab7171b1c80e6fa2"),  # Velodrome Burn
    ALGEBRA_POOL,
    ALGEBRA_CUSTOM_POOL,
    bytes.fromhex("598b9f043c813aa6be3426ca60d1c65d17256312890be5118dab55b0775ebe2a"),  # Algebra Fee
    bytes.fromhex("8a89de70856bccec096661388f305b9a75f5f65cb0d8a0e1e803c39dabedb57f"),  # V1.9 Fee
    bytes.fromhex("9443903d84c9719611bd4bba871daaf18a3950d00d5d78b1a2fa701f76df54ff"),  # SwapFee
    bytes.fromhex("121cb44ee54098b1a04743c487e7460d8dd429b27f88b1f4d4767396e1a59f79"),  # Integral Swap
    bytes.fromhex("932214d4a69c27c086643126ed97c32681da179064c678836c173f99bd13ca01"),  # Integral Burn
    V4_INITIALIZE,
    bytes.fromhex("40e9cecb9f5f1f1c5b9c97dec2917b7ee92e57ba5563708daca94dd84ad7112f"),  # V4 Swap
    bytes.fromhex("f208f4912782fd25c7f114ca3723a2d5dd6f3bcc3ac8db5af63baa85f711d5ec"),  # ModifyLiquidity
    bytes.fromhex("e9c42593e71f84403b84352cd168d693e2c9fcd1fdbcc3feb21d92b43e6696f9"),  # ProtocolFeeUpdated
)

FILL_TOPICS = (
    bytes.fromhex("d0a08e8c493f9c94f29311604c9de1b4e8c8d4c06bd0c789af57f2d65bfec0f6"),  # V1 OrderFilled
    bytes.fromhex("63bf4d16b7fa898ef4c4b2b6d90fd201e9c56313b65638af6088d149d2ce956c"),  # V1 OrdersMatched
    bytes.fromhex("d543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee"),  # V2 OrderFilled
    bytes.fromhex("174b3811690657c217184f89418266767c87e4805d09680c39fc9c031c0cab7c"),  # V2 OrdersMatched
)
"""What conditional-token exchanges say of filled orders. Source: Polymarket's ctf-exchange and -v2."""

SHARE_TOPICS = tuple(
    keccak256(event.encode("ascii"))
    for event in (
        "PositionSplit(address,address,bytes32,bytes32,uint256[],uint256)",
        "PositionsMerge(address,address,bytes32,bytes32,uint256[],uint256)",
        "PayoutRedemption(address,address,bytes32,bytes32,uint256[],uint256)",
        "PositionSplit(address,bytes32,uint256)",
        "PositionsMerge(address,bytes32,uint256)",
        "PayoutRedemption(address,bytes32,uint256[],uint256)",
        "PositionsConverted(address,bytes32,uint256,uint256)",
        "TransferSingle(address,address,address,uint256,uint256)",
        "TransferBatch(address,address,address,uint256[],uint256[])",
    )
)
"""What conditional tokens and the NegRisk adapter say of shares: split, merged, redeemed, converted, sent."""

TRANSFER = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
"""Transfer(address,address,uint256), of an ERC-20 token."""


_COUNTS = ("", *map(str, range(2, 9)))
"""How many coins an event of Curve counts; none where it tells their number."""
_CURVE_EVENTS = (
    "TokenExchange(address,int128,uint256,int128,uint256)",
    "TokenExchangeUnderlying(address,int128,uint256,int128,uint256)",
    "TokenExchange(address,uint256,uint256,uint256,uint256)",
    "TokenExchange(address,uint256,uint256,uint256,uint256,uint256,uint256)",
    "RemoveLiquidityOne(address,uint256,uint256)",
    "RemoveLiquidityOne(address,uint256,uint256,uint256)",
    "RemoveLiquidityOne(address,int128,uint256,uint256,uint256)",
    "RemoveLiquidityOne(address,uint256,uint256,uint256,uint256,uint256)",
    "RampA(uint256,uint256,uint256,uint256)",
    "StopRampA(uint256,uint256)",
    "RampAgamma(uint256,uint256,uint256,uint256,uint256,uint256)",
    "StopRampA(uint256,uint256,uint256)",
    "NewFee(uint256,uint256)",
    "NewFee(uint256,uint256,uint256)",
    "ApplyNewFee(uint256)",
    "ApplyNewFee(uint256,uint256)",
    "NewParameters(uint256,uint256,uint256)",
    "NewParameters(uint256,uint256,uint256,uint256,uint256,uint256)",
    "NewParameters(uint256,uint256,uint256,uint256,uint256,uint256,uint256)",
    "ClaimAdminFee(address,uint256)",
    "ClaimAdminFee(address,uint256[2])",
    "ClaimAdminFee(address,uint256[3])",
)
_CURVE_COUNTED_EVENTS = (
    "AddLiquidity(address,uint256[{0}],uint256[{0}],uint256,uint256)",
    "RemoveLiquidity(address,uint256[{0}],uint256[{0}],uint256)",
    "RemoveLiquidityImbalance(address,uint256[{0}],uint256[{0}],uint256,uint256)",
    "AddLiquidity(address,uint256[{0}],uint256,uint256)",
    "AddLiquidity(address,uint256[{0}],uint256,uint256,uint256)",
    "RemoveLiquidity(address,uint256[{0}],uint256)",
)
_BALANCER_EVENTS = (
    "Swap(bytes32,address,address,uint256,uint256)",
    "PoolBalanceChanged(bytes32,address,address[],int256[],uint256[])",
    "PoolBalanceManaged(bytes32,address,address,int256,int256)",
    "SwapFeePercentageChanged(uint256)",
    "AmpUpdateStarted(uint256,uint256,uint256,uint256)",
    "AmpUpdateStopped(uint256)",
    "TokenRateCacheUpdated(uint256,uint256)",
    "PausedStateChanged(bool)",
    "RecoveryModeStateChanged(bool)",
    "ProtocolFeePercentageCacheUpdated(uint256,uint256)",
    "Swap(address,address,address,uint256,uint256,uint256,uint256)",
    "LiquidityAdded(address,address,uint8,uint256,uint256[],uint256[])",
    "LiquidityRemoved(address,address,uint8,uint256,uint256[],uint256[])",
    "SwapFeePercentageChanged(address,uint256)",
    "AggregateSwapFeePercentageChanged(address,uint256)",
    "PoolPausedStateChanged(address,bool)",
    "PoolRecoveryModeStateChanged(address,bool)",
)
COIN_TOPICS = tuple(
    keccak256(event.encode("ascii"))
    for event in (
        *_CURVE_EVENTS,
        *(event.format(count) for event in _CURVE_COUNTED_EVENTS for count in _COUNTS),
        *_BALANCER_EVENTS,
    )
)
"""Of Curve's pools, and of Balancer's and their vaults: whatever can move what a swap gives.

Source: curvefi/curve-contract, stableswap-ng, twocrypto-ng v2.1.0; @balancer-labs/v2-vault and
v2-pool-stable; balancer/balancer-v3-monorepo, IVaultEvents.
"""


def followed_topics(protocols: Collection[str], *, lists_pools: bool) -> tuple[bytes, ...]:
    """Return the topics to follow where factories of `protocols` are, and pools that are listed or none.

    Other people's swaps in pools of coins are many: they are left out where no such pool can be followed.
    """
    topics = TRACKED_TOPICS
    if lists_pools or any(protocol.startswith("balancer") for protocol in protocols):
        topics += COIN_TOPICS
    return (*topics, TOKENS_REGISTERED) if "balancer_v2" in protocols else topics


def log_filter(
    topics: tuple[bytes, ...], addresses: tuple[bytes, ...] = (), firsts: tuple[bytes, ...] = ()
) -> dict[str, object]:
    """Return the part of a JSON-RPC log filter that says which logs: of any address where none is given, and
    with any first indexed value where none of `firsts` is.
    """
    wanted = (topics, firsts) if firsts else (topics,)
    found: dict[str, object] = {"topics": [["0x" + topic.hex() for topic in one] for one in wanted]}
    if addresses:
        found["address"] = ["0x" + address.hex() for address in addresses]
    return found
