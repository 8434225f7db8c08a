//! How the generations of `StableSwap` contracts differ: where each rounds, and how it books a swap.

/// How the product of the balances is iterated in D.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// `P·D / (x·n + 1)` coin by coin: the lending pools, which so guard against zero.
    Guarded,
    /// `P·D / (x·n)` coin by coin.
    Sequential,
    /// `P·D / x` coin by coin, then `/ n^n`: the factories' optimised pools and NG.
    Together,
}

/// Where a quote takes its fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeeTaken {
    /// Before the conversion to the coin's own units, as `exchange` does.
    InCommonUnits,
    /// After it.
    InRawUnits,
}

/// How `exchange` sets the balances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Booking {
    /// By what comes in and what goes out, admin fee included.
    Moved,
    /// From x and y in common units, rounded down: the first lending pools.
    Recomputed,
}

/// The arithmetic of one generation of contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// What amplification is multiplied by: 1 or 100.
    pub a_precision: u64,
    /// How D is iterated.
    pub product: Product,
    /// Whether a swap keeps one common unit back against rounding.
    pub keeps_a_unit: bool,
    /// Whether the fee grows away from the peg.
    pub has_dynamic_fee: bool,
    /// Where `get_dy` takes the fee.
    pub quoted_fee: FeeTaken,
    /// How `exchange` books.
    pub booking: Booking,
}

impl Rules {
    /// 3pool and its contemporaries: no precision of A, the quoted fee in raw units.
    pub const THREE_POOL: Self = Self {
        a_precision: 1,
        product: Product::Sequential,
        keeps_a_unit: true,
        has_dynamic_fee: false,
        quoted_fee: FeeTaken::InRawUnits,
        booking: Booking::Moved,
    };

    /// The first metapools: as the template, without a precision of A.
    pub const FIRST_META: Self = Self { quoted_fee: FeeTaken::InCommonUnits, ..Self::THREE_POOL };

    /// The pool templates, plain, meta and with a rate: A in hundredths, the fee in common units.
    pub const TEMPLATE: Self = Self { a_precision: 100, ..Self::FIRST_META };

    /// The factories' optimised pools: D's product is divided at the end.
    pub const FACTORY: Self = Self { product: Product::Together, ..Self::TEMPLATE };

    /// The first lending pools, Compound's: no unit kept, balances recomputed.
    pub const LENDING: Self = Self {
        a_precision: 1,
        product: Product::Guarded,
        keeps_a_unit: false,
        has_dynamic_fee: false,
        quoted_fee: FeeTaken::InRawUnits,
        booking: Booking::Recomputed,
    };

    /// Aave's pools: A in hundredths, a dynamic fee, balances that rebase.
    pub const AAVE: Self =
        Self { a_precision: 100, has_dynamic_fee: true, booking: Booking::Moved, ..Self::LENDING };

    /// StableSwap-NG, plain and meta: a dynamic fee and stored rates.
    pub const NG: Self = Self { has_dynamic_fee: true, ..Self::FACTORY };
}
