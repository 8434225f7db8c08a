//! What a venue declares of its books: how its messages are ordered, what proves a book, how deep it is.

use crate::book::{Book, Side};
use crate::decimal::digits;

/// How it is known which messages a snapshot has in it, and that none is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ordering {
    /// Every message counts, in the order of its arrival; what comes before a snapshot is in it.
    #[default]
    Arrival,
    /// A message that is older than the snapshot is in it.
    Time,
    /// Messages carry the numbers of their changes, of which none may be missing.
    Updates,
}

/// How a venue makes its checksum of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumKind {
    /// CRC-32 of the digits of price and size of the ten best asks, then of the ten best bids.
    ///
    /// Source: <https://docs.kraken.com/api/docs/guides/spot-ws-book-v1>.
    Crc32TopTen,
}

impl ChecksumKind {
    /// Returns how many levels of a side it is made of.
    #[must_use]
    pub const fn depth(self) -> usize {
        let Self::Crc32TopTen = self;
        10
    }

    /// Returns the checksum of `book`, whose venue writes so many digits after the point of prices and sizes.
    #[must_use]
    pub fn of(self, book: &Book, price_decimals: u8, size_decimals: u8) -> u32 {
        let mut text = Vec::with_capacity(512);
        for side in [Side::Ask, Side::Bid] {
            for level in book.levels(side).take(self.depth()) {
                digits(level.price, price_decimals, &mut text);
                digits(level.size, size_decimals, &mut text);
            }
        }
        crc32fast::hash(&text)
    }
}

/// The rule of one venue's books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// How messages are ordered.
    pub ordering: Ordering,
    /// How the checksum of messages that carry one is made; none where they carry none.
    pub checksum: Option<ChecksumKind>,
    /// Levels of a side that the venue keeps told; none where it tells all.
    pub depth_max: Option<usize>,
    /// So many messages in a row whose best prices are not the book's are a gap; none where the venue tells no best prices.
    pub top_strikes_max: Option<u32>,
    /// Messages that are kept while a book waits for its snapshot; with more, the oldest are forgotten.
    pub waiting_max: usize,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            ordering: Ordering::Arrival,
            checksum: None,
            depth_max: None,
            top_strikes_max: None,
            waiting_max: 4_096,
        }
    }
}
