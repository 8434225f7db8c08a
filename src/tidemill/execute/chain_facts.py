"""What is known of the chains that trades may be sent to: ids, block times, fee rules, lenders, relays."""

from enum import StrEnum

from msgspec import Struct

from tidemill.execute.plan.kinds import LoanSource


class FeeRule(StrEnum):
    """How a chain charges for a transaction."""

    EIP1559 = "eip1559"
    """Base fee and priority fee for each unit of gas."""
    OP_STACK = "op_stack"
    """As EIP-1559, and what its data cost on Ethereum: the GasPriceOracle tells."""
    ARBITRUM = "arbitrum"
    """Its gas has the data's part in it; the priority fee is ignored."""
    SCROLL = "scroll"
    """As EIP-1559, and what its data cost on Ethereum: L1GasPriceOracle tells."""
    LINEA = "linea"
    """As EIP-1559; `linea_estimateGas` tells the priority fee that is taken."""
    ZKSYNC = "zksync"
    """`zks_estimateFee` tells."""
    MANTLE = "mantle"
    """Of the OP stack, paid in MNT."""


class ChainFacts(Struct, frozen=True, kw_only=True):
    """One chain. Addresses are in lower case, lenders by their source."""

    name: str
    """RPC_<NAME> in capitals names its endpoint."""
    chain_id: int
    native: str
    block_ms: int
    """Between two blocks."""
    fee_rule: FeeRule = FeeRule.EIP1559
    lenders: dict[LoanSource, str] = {}
    relays: tuple[str, ...] = ()
    """Who takes transactions privately, by name."""
    counts_own_blocks: bool = True
    """Whether contracts see the number of the chain's own block; on Arbitrum it is Ethereum's."""
    retired: str | None = None
    """Why nothing is sent there any more; None where it lives."""
    unfit: str | None = None
    """Why the executor cannot stand there; None where it can."""

    @property
    def variable(self) -> str:
        """The environment's name for its endpoint."""
        return f"RPC_{self.name.upper()}"


_AAVE = LoanSource.AAVE_V3
_AAVE_SHARED = {_AAVE: "0x794a61358d6845594f94dc1db02a252b5b4814ad"}
_V2_VAULT = {LoanSource.BALANCER_V2: "0xba12222222228d8ba445958a75a0704d566bf2c8"}
_V3_VAULT = {LoanSource.BALANCER_V3: "0xba1333333333a1ba1108e8412f11850a5c319ba9"}
_MORPHO = LoanSource.MORPHO
_MORPHO_FIRST = {_MORPHO: "0xbbbbbbbbbb9cc5e90e3b3af64bdaf62c37eeffcb"}
_OP = FeeRule.OP_STACK

_LIVE = (
    ChainFacts(
        name="ethereum",
        chain_id=1,
        native="ETH",
        block_ms=12_000,
        lenders={_AAVE: "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"} | _V2_VAULT | _V3_VAULT | _MORPHO_FIRST,
        relays=("flashbots", "flashbots_protect", "mev_share", "mev_blocker", "bloxroute"),
    ),
    ChainFacts(
        name="polygon",
        chain_id=137,
        native="POL",
        block_ms=2_000,
        lenders=_AAVE_SHARED | _V2_VAULT | {_MORPHO: "0x1bf0c2541f820e775182832f06c0b7fc27a25f67"},
        relays=("bloxroute_polygon",),
    ),
    ChainFacts(
        name="arbitrum",
        chain_id=42_161,
        native="ETH",
        block_ms=250,
        fee_rule=FeeRule.ARBITRUM,
        lenders=_AAVE_SHARED
        | _V2_VAULT
        | _V3_VAULT
        | {_MORPHO: "0x6c247b1f6182318877311737bac0844baa518f5e"},
        relays=("timeboost",),
        counts_own_blocks=False,
    ),
    ChainFacts(
        name="base",
        chain_id=8_453,
        native="ETH",
        block_ms=2_000,
        fee_rule=_OP,
        lenders={_AAVE: "0xa238dd80c259a72e81d7e4664a9801593f98d1c5"} | _V2_VAULT | _V3_VAULT | _MORPHO_FIRST,
        relays=("bloxroute",),
    ),
    ChainFacts(
        name="optimism",
        chain_id=10,
        native="ETH",
        block_ms=2_000,
        fee_rule=_OP,
        lenders=_AAVE_SHARED
        | _V2_VAULT
        | _V3_VAULT
        | {_MORPHO: "0xce95afbb8ea029495c66020883f87aae8864af92"},
    ),
    ChainFacts(
        name="bsc",
        chain_id=56,
        native="BNB",
        block_ms=750,
        lenders={_AAVE: "0x6807dc923806fe8fd134338eabca509979a7e0cb"},
        relays=("bloxroute",),
    ),
    ChainFacts(
        name="avalanche",
        chain_id=43_114,
        native="AVAX",
        block_ms=1_700,
        lenders=_AAVE_SHARED | _V2_VAULT | _V3_VAULT,
    ),
    ChainFacts(
        name="sonic",
        chain_id=146,
        native="S",
        block_ms=630,
        lenders={_AAVE: "0x5362dbb1e601abf3a4c14c22ffeda64042e5eaa3"},
    ),
    ChainFacts(
        name="gnosis",
        chain_id=100,
        native="XDAI",
        block_ms=5_000,
        lenders={_AAVE: "0xb50201558b00496a145fe76f7424749556e326d8"} | _V2_VAULT | _V3_VAULT,
    ),
    ChainFacts(
        name="celo",
        chain_id=42_220,
        native="CELO",
        block_ms=1_000,
        fee_rule=_OP,
        lenders={_AAVE: "0x3e59a31363e2ad014dcbc521c4a0d5757d9f3402"},
    ),
    ChainFacts(
        name="linea",
        chain_id=59_144,
        native="ETH",
        block_ms=2_000,
        fee_rule=FeeRule.LINEA,
        lenders={_AAVE: "0xc47b8c00b0f69a36fa203ffeac0334874574a8ac"},
        relays=("linea",),
    ),
    ChainFacts(
        name="scroll",
        chain_id=534_352,
        native="ETH",
        block_ms=3_000,
        fee_rule=FeeRule.SCROLL,
        lenders={_AAVE: "0x11fcfe756c05ad438e312a7fd934381537d3cffe"},
    ),
    ChainFacts(
        name="zksync",
        chain_id=324,
        native="ETH",
        block_ms=200,
        fee_rule=FeeRule.ZKSYNC,
        lenders={_AAVE: "0x78e30497a3c7527d953c6b1e3541b021a98ac43c"},
        unfit="its machine does not run the executor's bytecode",
    ),
    ChainFacts(
        name="mantle",
        chain_id=5_000,
        native="MNT",
        block_ms=2_000,
        fee_rule=FeeRule.MANTLE,
        lenders={_AAVE: "0x458f293454fe0d67ec0655f3672301301dd51422"},
    ),
    ChainFacts(name="sei", chain_id=1_329, native="SEI", block_ms=400),
)
"""Fifteen. Source: Aave's address book 4.68.1, Balancer's and Morpho's documents, viem 2.57, read 2026-11."""

_RETIRED = (
    ChainFacts(
        name="fantom",
        chain_id=250,
        native="FTM",
        block_ms=1_000,
        retired="Sonic (146) took its place in 2025",
    ),
    ChainFacts(
        name="blast", chain_id=81_457, native="ETH", block_ms=2_000, retired="it was shut down in 2026"
    ),
    ChainFacts(
        name="polygon_zkevm",
        chain_id=1_101,
        native="ETH",
        block_ms=3_000,
        retired="it reached the end of its life in 2026",
    ),
)

CHAINS = {facts.chain_id: facts for facts in (*_LIVE, *_RETIRED)}
"""By id; the retired ones, which users' settings still name, too."""
