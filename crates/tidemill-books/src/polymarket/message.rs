//! One message of the market channel, with the venue's own names, borrowed from its frame.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What the market channel says; what a kind of message lacks is absent.
#[derive(Deserialize)]
pub struct Message<'a> {
    #[serde(borrow)]
    pub event_type: Option<&'a RawValue>,
    #[serde(borrow)]
    pub market: Option<&'a RawValue>,
    #[serde(borrow)]
    pub asset_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    pub hash: Option<&'a RawValue>,
    #[serde(borrow)]
    pub bids: Option<Vec<RawLevel<'a>>>,
    #[serde(borrow)]
    pub asks: Option<Vec<RawLevel<'a>>>,
    #[serde(borrow)]
    pub price_changes: Option<Vec<RawChange<'a>>>,
    #[serde(borrow)]
    pub changes: Option<Vec<RawChange<'a>>>,
    #[serde(borrow)]
    pub price: Option<&'a RawValue>,
    #[serde(borrow)]
    pub side: Option<&'a RawValue>,
    #[serde(borrow)]
    pub size: Option<&'a RawValue>,
    #[serde(borrow)]
    pub fee_rate_bps: Option<&'a RawValue>,
    #[serde(borrow)]
    pub transaction_hash: Option<&'a RawValue>,
    #[serde(borrow)]
    pub best_bid: Option<&'a RawValue>,
    #[serde(borrow)]
    pub best_ask: Option<&'a RawValue>,
    #[serde(borrow)]
    pub min_order_size: Option<&'a RawValue>,
    #[serde(borrow)]
    pub tick_size: Option<&'a RawValue>,
    #[serde(borrow)]
    pub neg_risk: Option<&'a RawValue>,
    #[serde(borrow)]
    pub last_trade_price: Option<&'a RawValue>,
}

/// Whose a message is that cannot be read as a whole.
#[derive(Deserialize)]
pub struct Named<'a> {
    #[serde(borrow)]
    pub asset_id: Option<&'a RawValue>,
}

/// One level of a book.
#[derive(Deserialize)]
pub struct RawLevel<'a> {
    #[serde(borrow)]
    pub price: &'a RawValue,
    #[serde(borrow)]
    pub size: &'a RawValue,
}

/// One change of a level, in any of the three generations.
#[derive(Deserialize)]
pub struct RawChange<'a> {
    #[serde(borrow)]
    pub asset_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub price: Option<&'a RawValue>,
    #[serde(borrow)]
    pub side: Option<&'a RawValue>,
    #[serde(borrow)]
    pub size: Option<&'a RawValue>,
    #[serde(borrow)]
    pub hash: Option<&'a RawValue>,
    #[serde(borrow)]
    pub best_bid: Option<&'a RawValue>,
    #[serde(borrow)]
    pub best_ask: Option<&'a RawValue>,
}

/// Returns a text or number without its quotes; none where it is absent, empty, or of another kind.
pub fn bare(value: Option<&RawValue>) -> Option<&str> {
    let text = value?.get();
    let bare = match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None if text.starts_with(|first: char| first.is_ascii_digit()) => text,
        None => return None,
    };
    // nothing that is read has a character that JSON escapes
    (!bare.is_empty() && !bare.contains('\\')).then_some(bare)
}
