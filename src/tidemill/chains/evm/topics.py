"""Which logs are tracked: those that create a pool, move its state, or trade with it.

Source: keccak-256 of the event signatures of Uniswap/v2-core 1.0.1, v3-core 1.0.1 and pancakeswap/v3-core
1.0.2.
"""

PAIR_CREATED = bytes.fromhex("0d3648bd0f6ba80134a33ba9275ac585d9d315f0ad8355cddefde31afa28d0e9")
"""PairCreated(address,address,address,uint256), of a V2 factory."""
POOL_CREATED = bytes.fromhex("783cca1c0412dd0d695e784568c96da2e9c22ff989357a2e8b1d9b2b4e6b7118")
"""PoolCreated(address,address,uint24,int24,address), of a V3 factory."""

CREATION_TOPICS = (PAIR_CREATED, POOL_CREATED)

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
)


def log_filter(topics: tuple[bytes, ...], addresses: tuple[bytes, ...] = ()) -> dict[str, object]:
    """Return the part of a JSON-RPC log filter that says which logs, of any address where none is given."""
    found: dict[str, object] = {"topics": [["0x" + topic.hex() for topic in topics]]}
    if addresses:
        found["address"] = ["0x" + address.hex() for address in addresses]
    return found
