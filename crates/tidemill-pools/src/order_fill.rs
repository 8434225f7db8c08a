//! What the logs of a conditional-token exchange say: which wallet's order was filled, at what price.
//!
//! A match emits one `OrderFilled` for each maker's order, one for the taker's, whose `taker` is the exchange
//! itself, and then `OrdersMatched`, which repeats the taker's: so each order makes one row, and what a match moved
//! is the sum of the takers' rows. Source: Polymarket's ctf-exchange and ctf-exchange-v2, `ITrading`.

use ruint::aliases::U256;

use crate::abi::{hash, Fields, Word};
use crate::chain::{Address, Hash, Log};
use crate::error::DecodeError;

/// Topic of the first version's `OrderFilled`.
pub const ORDER_FILLED_V1: Hash = hash("d0a08e8c493f9c94f29311604c9de1b4e8c8d4c06bd0c789af57f2d65bfec0f6");
/// Topic of the second version's `OrderFilled`.
pub const ORDER_FILLED_V2: Hash = hash("d543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee");
/// Topic of the first version's `OrdersMatched`.
pub const ORDERS_MATCHED_V1: Hash = hash("63bf4d16b7fa898ef4c4b2b6d90fd201e9c56313b65638af6088d149d2ce956c");
/// Topic of the second version's `OrdersMatched`.
pub const ORDERS_MATCHED_V2: Hash = hash("174b3811690657c217184f89418266767c87e4805d09680c39fc9c031c0cab7c");

/// Amounts of more bits have no place in an exact decimal of 38 digits; no market comes near.
const AMOUNT_BITS: u32 = 86;
/// Shares and collateral have 6 decimals, events 18.
const TO_FIXED18: i128 = 1_000_000_000_000;

/// One order that was filled, in whole or in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderFill {
    /// The order.
    pub order_hash: Hash,
    /// Whose order it is.
    pub wallet: Address,
    /// The taker; absent where this is the taker's own order, which may have met several.
    pub counterparty: Option<Address>,
    /// Whether the wallet bought shares.
    pub is_buy: bool,
    /// The token that the order is about, which another order of the match need not be.
    pub token_id: U256,
    /// Shares, 18 decimals.
    pub size: i128,
    /// What was paid for them, quote, 18 decimals.
    pub amount: i128,
    /// Quote per share, 18 decimals, rounded down.
    pub price: i128,
    /// Fee in quote, 18 decimals; absent where it was taken from the shares.
    pub fee: Option<i128>,
    /// Fee in shares, 18 decimals; absent where it was taken in quote.
    pub fee_size: Option<i128>,
}

impl OrderFill {
    /// Reads a log; `None` where it is no `OrderFilled`.
    ///
    /// # Errors
    /// Where the log claims to be one and is malformed, or tells of no shares, which have no price.
    pub fn decode(log: &Log<'_>) -> Result<Option<Self>, DecodeError> {
        match log.topics.first() {
            Some(&ORDER_FILLED_V1) => Self::first_version(log).map(Some),
            Some(&ORDER_FILLED_V2) => Self::second_version(log).map(Some),
            _ => Ok(None),
        }
    }

    fn first_version(log: &Log<'_>) -> Result<Self, DecodeError> {
        let fields = Fields::<4, 160>::of(log, "OrderFilled")?;
        let given = fields.word(0, "uint256 makerAssetId");
        let taken = fields.word(1, "uint256 takerAssetId");
        // the collateral is asset 0: who gives it buys
        let (is_buy, token_id) = match (given.u256().is_zero(), taken.u256().is_zero()) {
            (true, false) => (true, taken.u256()),
            (false, true) => (false, given.u256()),
            _ => return Err(taken.refused()),
        };
        let amounts =
            [fields.word(2, "uint256 makerAmountFilled"), fields.word(3, "uint256 takerAmountFilled")];
        let fee = fixed18(&fields.word(4, "uint256 fee"))?;
        let filled = Self::filled(log, &fields, (is_buy, token_id), amounts)?;
        // it is taken from what the order gets
        Ok(if is_buy { Self { fee_size: Some(fee), ..filled } } else { Self { fee: Some(fee), ..filled } })
    }

    fn second_version(log: &Log<'_>) -> Result<Self, DecodeError> {
        let fields = Fields::<4, 224>::of(log, "OrderFilled")?;
        let side = fields.word(0, "uint8 side");
        let is_buy = match side.unsigned(8)? {
            0 => true,
            1 => false,
            _ => return Err(side.refused()),
        };
        let token = fields.word(1, "uint256 tokenId");
        if token.u256().is_zero() {
            return Err(token.refused());
        }
        let amounts =
            [fields.word(2, "uint256 makerAmountFilled"), fields.word(3, "uint256 takerAmountFilled")];
        let fee = fixed18(&fields.word(4, "uint256 fee"))?;
        let filled = Self::filled(log, &fields, (is_buy, token.u256()), amounts)?;
        Ok(Self { fee: Some(fee), ..filled })
    }

    /// Returns what both versions tell alike: `amounts` are what the order gave and what it got.
    fn filled<const B: usize>(
        log: &Log<'_>,
        fields: &Fields<'_, 4, B>,
        (is_buy, token_id): (bool, U256),
        [given, taken]: [Word<'_>; 2],
    ) -> Result<Self, DecodeError> {
        let taker = fields.topic(3, "address taker").address()?;
        let (shares, quote) = if is_buy { (taken, given) } else { (given, taken) };
        let (size, amount) = (fixed18(&shares)?, fixed18(&quote)?);
        Ok(Self {
            order_hash: log.topics.get(1).copied().unwrap_or_default(),
            wallet: fields.topic(2, "address maker").address()?,
            counterparty: (taker != *log.address).then_some(taker),
            is_buy,
            token_id,
            size,
            amount,
            price: price(size, amount).ok_or_else(|| shares.refused())?,
            fee: None,
            fee_size: None,
        })
    }
}

/// Returns the order that a log says was the taker's of a match; `None` where it is no `OrdersMatched`.
///
/// # Errors
/// Where the log claims to be one and is malformed.
pub fn matched_order(log: &Log<'_>) -> Result<Option<Hash>, DecodeError> {
    match log.topics.first() {
        Some(&(ORDERS_MATCHED_V1 | ORDERS_MATCHED_V2)) => {
            let fields = Fields::<3, 128>::of(log, "OrdersMatched")?;
            fields.topic(2, "address takerOrderMaker").address()?;
            Ok(log.topics.get(1).copied())
        }
        _ => Ok(None),
    }
}

fn fixed18(word: &Word<'_>) -> Result<i128, DecodeError> {
    let raw = i128::try_from(word.unsigned(AMOUNT_BITS)?).map_err(|_| word.refused())?;
    raw.checked_mul(TO_FIXED18).ok_or_else(|| word.refused())
}

/// Returns amount / size with 18 decimals, rounded down; `None` where nothing was bought, or it is out of range.
fn price(size: i128, amount: i128) -> Option<i128> {
    let (size, amount) = (U256::try_from(size).ok()?, U256::try_from(amount).ok()?);
    let scaled = amount.checked_mul(U256::from(1_000_000_000_000_000_000_u64))?;
    let price = u128::try_from(scaled.checked_div(size)?).ok()?;
    i128::try_from(price).ok().filter(|price| *price < 10_i128.pow(38))
}
