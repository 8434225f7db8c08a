//! The digest that Polymarket gives of a book.

use sha1::{Digest, Sha1};

use super::message::{bare, Message, RawLevel};

/// Whether the digest of a book is that of what came; none where what it is made of did not come.
///
/// SHA-1 of the book as compact JSON with an empty `hash`, its fields in the order that is written here. The order of the
/// levels is that of the frame.
///
/// Source: py-clob-client-v2 `utilities.py`, whose own test has the book below.
pub fn is_matching(message: &Message<'_>) -> Option<bool> {
    let hash = bare(message.hash)?;
    let mut text = Vec::with_capacity(4_096);
    let first =
        [("market", message.market), ("asset_id", message.asset_id), ("timestamp", message.timestamp)];
    for (name, value) in first {
        field(&mut text, name, value?.get());
    }
    field(&mut text, "hash", "\"\"");
    levels(&mut text, "bids", message.bids.as_deref()?);
    levels(&mut text, "asks", message.asks.as_deref()?);
    let last = [
        ("min_order_size", message.min_order_size),
        ("tick_size", message.tick_size),
        ("neg_risk", message.neg_risk),
        ("last_trade_price", message.last_trade_price),
    ];
    for (name, value) in last {
        field(&mut text, name, value?.get());
    }
    text.push(b'}');
    let found = Sha1::digest(&text);
    let spelled: String = found.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(nibble).collect();
    Some(spelled == hash)
}

fn nibble(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0')
}

fn field(text: &mut Vec<u8>, name: &str, value: &str) {
    text.push(if text.is_empty() { b'{' } else { b',' });
    text.push(b'"');
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b"\":");
    text.extend_from_slice(value.as_bytes());
}

fn levels(text: &mut Vec<u8>, name: &str, levels: &[RawLevel<'_>]) {
    field(text, name, "[");
    for (at, level) in levels.iter().enumerate() {
        text.extend_from_slice(if at == 0 { b"{\"price\":" } else { b",{\"price\":" });
        text.extend_from_slice(level.price.get().as_bytes());
        text.extend_from_slice(b",\"size\":");
        text.extend_from_slice(level.size.get().as_bytes());
        text.push(b'}');
    }
    text.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &str = r#"{"market":"0xaabbcc","asset_id":"100","timestamp":"123456789",
        "hash":"0458ea5755c9f73d64a14636fa5c36ed460ec394",
        "bids":[{"price":"0.3","size":"100"},{"price":"0.4","size":"100"}],
        "asks":[{"price":"0.6","size":"100"},{"price":"0.7","size":"100"}],
        "min_order_size":"100","tick_size":"0.01","neg_risk":false,"last_trade_price":"0.5"}"#;

    #[test]
    fn the_book_of_the_venue_s_own_client_has_its_hash() {
        assert_eq!(is_matching(&serde_json::from_str(BOOK).unwrap()), Some(true));
    }

    #[test]
    fn another_size_has_another_hash() {
        let other = BOOK.replacen("\"size\":\"100\"", "\"size\":\"101\"", 1);
        assert_eq!(is_matching(&serde_json::from_str(&other).unwrap()), Some(false));
    }

    #[test]
    fn a_book_that_does_not_say_all_that_is_hashed_proves_nothing() {
        let less = BOOK.replace("\"neg_risk\":false,", "");
        assert_eq!(is_matching(&serde_json::from_str(&less).unwrap()), None);
    }
}
