//! Which kinds of pools can be read, and which of them each name of an exchange means.

/// A kind of pool, by how its contract is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A Uniswap V2 pair and its forks.
    UniswapV2,
    /// A Uniswap V3 pool and its forks.
    UniswapV3,
    /// A Solidly pair, volatile or stable, such as Aerodrome's and Velodrome's.
    Solidly,
    /// An Algebra pool, such as `QuickSwap` V3's.
    Algebra,
    /// A Curve `StableSwap` pool of any generation.
    CurveStable,
    /// A Curve `CryptoSwap` pool of two or three coins.
    CurveCrypto,
    /// A pool of Balancer's V2 vault.
    BalancerV2,
    /// A pool of Balancer's V3 vault.
    BalancerV3,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::UniswapV2,
        Self::UniswapV3,
        Self::Solidly,
        Self::Algebra,
        Self::CurveStable,
        Self::CurveCrypto,
        Self::BalancerV2,
        Self::BalancerV3,
    ];

    /// Returns the kind's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UniswapV2 => "uniswap_v2",
            Self::UniswapV3 => "uniswap_v3",
            Self::Solidly => "solidly",
            Self::Algebra => "algebra",
            Self::CurveStable => "curve_stable",
            Self::CurveCrypto => "curve_crypto",
            Self::BalancerV2 => "balancer_v2",
            Self::BalancerV3 => "balancer_v3",
        }
    }
}

/// Every name of an exchange or of a kind, and the kinds it means.
pub const DEX_TYPES: &[(&str, &[Kind])] = &[
    ("uniswap_v2", &[Kind::UniswapV2]),
    ("uniswap_v3", &[Kind::UniswapV3]),
    ("sushiswap", &[Kind::UniswapV2, Kind::UniswapV3]),
    ("sushiswap_v2", &[Kind::UniswapV2]),
    ("sushiswap_v3", &[Kind::UniswapV3]),
    ("quickswap", &[Kind::UniswapV2]),
    ("quickswap_v2", &[Kind::UniswapV2]),
    ("quickswap_v3", &[Kind::Algebra]),
    ("pancakeswap", &[Kind::UniswapV2, Kind::UniswapV3]),
    ("pancakeswap_v2", &[Kind::UniswapV2]),
    ("pancakeswap_v3", &[Kind::UniswapV3]),
    ("dragonswap_v1", &[Kind::UniswapV2]),
    ("dragonswap_v2", &[Kind::UniswapV3]),
    ("sailor", &[Kind::UniswapV3]),
    ("solidly", &[Kind::Solidly]),
    ("aerodrome", &[Kind::Solidly]),
    ("velodrome", &[Kind::Solidly]),
    ("algebra", &[Kind::Algebra]),
    ("curve", &[Kind::CurveStable, Kind::CurveCrypto]),
    ("curve_stable", &[Kind::CurveStable]),
    ("curve_crypto", &[Kind::CurveCrypto]),
    ("balancer", &[Kind::BalancerV2, Kind::BalancerV3]),
    ("balancer_v2", &[Kind::BalancerV2]),
    ("balancer_v3", &[Kind::BalancerV3]),
];

/// Returns the kinds that an exchange's name means; `None` where no exchange is called so.
pub fn kinds_of(dex_type: &str) -> Option<&'static [Kind]> {
    DEX_TYPES.iter().find(|(name, _)| *name == dex_type).map(|(_, kinds)| *kinds)
}
