//! Frames of Polymarket's market channel to events: books, changes of three generations, trades, told tops.
//!
//! A frame is one message or an array of them. Messages of a kind that is not read here are handed on as they came.

mod hash;
mod message;

use serde_json::value::RawValue;
use tidemill_events::{BookChange, BookSnapshot, BookTop, Trade};

use crate::decimal::{parse, ONE};
use crate::frames::{cut, Connection, Other, Read, Unread};
use message::{bare, Message, Named, RawChange, RawLevel};

const NS_PER_MS: i64 = 1_000_000;
/// 2020-01-01: the venue has told nothing before, so that a time in s cannot pass for one in ms.
const EARLIEST_MS: i64 = 1_577_836_800_000;
/// A clock may be so far ahead of ours; a time beyond it would make every later snapshot look old.
const AHEAD_MAX_NS: i64 = 60_000_000_000;

/// Frames that say no more than that the other side is there.
const KEEPALIVES: [&[u8]; 4] = [b"", b"PONG", b"PING", b"{}"];

/// Reads frames, each with the time at which it came, in their order; messages are numbered from `first_sequence`.
///
/// Where `is_hash_checked`, the digest of a book is compared with that of what came.
pub fn read<'a>(
    connection: &Connection<'_>,
    first_sequence: u64,
    is_hash_checked: bool,
    frames: impl IntoIterator<Item = (i64, &'a [u8])>,
) -> Read {
    let mut read = Read { next_sequence: first_sequence, ..Read::default() };
    read_on(&mut read, connection, is_hash_checked, frames);
    read
}

/// Reads further frames, of whichever connection, behind what was read; messages are numbered from `read.next_sequence`.
pub fn read_on<'a>(
    read: &mut Read,
    connection: &Connection<'_>,
    is_hash_checked: bool,
    frames: impl IntoIterator<Item = (i64, &'a [u8])>,
) {
    for (at, (recv_ns, frame)) in frames.into_iter().enumerate() {
        let mut reader = Reader { connection, recv_ns, frame: at, is_hash_checked, read };
        reader.frame(frame);
    }
}

struct Reader<'a> {
    connection: &'a Connection<'a>,
    recv_ns: i64,
    frame: usize,
    is_hash_checked: bool,
    read: &'a mut Read,
}

/// What every message of a book has.
#[derive(Clone, Copy)]
struct Base<'a> {
    event_ns: i64,
    instrument: &'a str,
}

/// One change, checked.
struct Checked<'a> {
    instrument: &'a str,
    side: &'static str,
    price: i128,
    size: i128,
    hash: Option<&'a str>,
    best_bid: Option<i128>,
    best_ask: Option<i128>,
}

type Checking<T> = Result<T, String>;

impl Reader<'_> {
    fn frame(&mut self, frame: &[u8]) {
        if KEEPALIVES.contains(&frame.trim_ascii()) {
            return;
        }
        let first = frame.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'[') {
            match serde_json::from_slice::<Vec<&RawValue>>(frame) {
                Ok(messages) => messages.into_iter().for_each(|one| self.message(one.get().as_bytes())),
                Err(error) => self.unread(format!("expected an array of messages: {error}"), Vec::new()),
            }
        } else {
            self.message(frame);
        }
    }

    fn message(&mut self, json: &[u8]) {
        let message = match serde_json::from_slice::<Message<'_>>(json) {
            Ok(message) => message,
            Err(error) => {
                let named = serde_json::from_slice::<Named<'_>>(json).ok();
                let named = named.and_then(|named| bare(named.asset_id).map(ToOwned::to_owned));
                return self.unread(format!("expected a message: {error}"), named.into_iter().collect());
            }
        };
        let sequence = self.read.next_sequence;
        self.read.next_sequence += 1;
        let read = match bare(message.event_type) {
            Some("book") => self.book(&message, sequence),
            None if message.bids.is_some() && message.asks.is_some() => self.book(&message, sequence),
            Some("price_change") => self.price_change(&message, sequence),
            Some("last_trade_price") => self.trade(&message, sequence),
            Some("best_bid_ask") => self.best_bid_ask(&message, sequence),
            Some(_) => {
                self.read.others.push(Other { sequence, recv_ns: self.recv_ns, json: json.to_vec() });
                Ok(())
            }
            None => Err("expected an event_type, found none".to_owned()),
        };
        if let Err(detail) = read {
            let named = message.price_changes.iter().flatten().map(|change| change.asset_id);
            let named = named.chain([message.asset_id]).filter_map(bare).map(ToOwned::to_owned);
            let mut instruments: Vec<String> = named.collect();
            instruments.sort_unstable();
            instruments.dedup();
            self.unread(detail, instruments);
        }
    }

    fn unread(&mut self, detail: String, instruments: Vec<String>) {
        self.read.unread.push(Unread { frame: self.frame, detail, instruments });
    }

    fn book(&mut self, message: &Message<'_>, sequence: u64) -> Checking<()> {
        let base = self.base(message)?;
        let (bids, asks) = (levels(message.bids.as_deref())?, levels(message.asks.as_deref())?);
        let (bid_count, ask_count) = (count(&bids)?, count(&asks)?);
        self.read.newest_ns = self.read.newest_ns.max(Some(base.event_ns));
        self.read.snapshots.push(&BookSnapshot {
            event_ns: base.event_ns,
            recv_ns: self.recv_ns,
            source: self.connection.source,
            connection: self.connection.name,
            sequence,
            market: bare(message.market),
            instrument: base.instrument,
            bid_count,
            ask_count,
            last_update: None,
            price_decimals: None,
            size_decimals: None,
            checksum: None,
            hash: bare(message.hash),
            hash_check: self.hash_check(message),
            tick_size: optional(message.tick_size)?,
            order_size_min: optional(message.min_order_size)?,
            last_trade_price: optional(message.last_trade_price)?,
        });
        let sides = [("bid", bids), ("ask", asks)];
        let all = sides.iter().flat_map(|(side, levels)| levels.iter().map(move |level| (*side, *level)));
        for (row, (side, (price, size))) in (0..).zip(all) {
            let level = Checked {
                instrument: base.instrument,
                side,
                price,
                size,
                hash: None,
                best_bid: None,
                best_ask: None,
            };
            self.push(&level, "snapshot", base.event_ns, (sequence, row));
        }
        Ok(())
    }

    fn base<'a>(&self, message: &Message<'a>) -> Checking<Base<'a>> {
        let instrument = bare(message.asset_id).ok_or("expected an asset_id, found none")?;
        Ok(Base { event_ns: self.event_ns(message)?, instrument: token(instrument)? })
    }

    fn event_ns(&self, message: &Message<'_>) -> Checking<i64> {
        let text = bare(message.timestamp).ok_or("expected a timestamp, found none")?;
        let ms = text.parse::<i64>().ok().filter(|ms| *ms >= EARLIEST_MS);
        let ns = ms
            .and_then(|ms| ms.checked_mul(NS_PER_MS))
            .ok_or_else(|| format!("expected a timestamp in ms, found {}", cut(text)))?;
        if ns > self.recv_ns.saturating_add(AHEAD_MAX_NS) {
            return Err(format!("expected a timestamp at most 60 s ahead of our clock, found {text}"));
        }
        Ok(ns)
    }

    fn hash_check(&self, message: &Message<'_>) -> Option<&'static str> {
        let is_matching = self.is_hash_checked.then(|| hash::is_matching(message)).flatten()?;
        Some(if is_matching { "matched" } else { "different" })
    }

    fn price_change(&mut self, message: &Message<'_>, sequence: u64) -> Checking<()> {
        let event_ns = self.event_ns(message)?;
        let own = [RawChange {
            asset_id: message.asset_id,
            price: message.price,
            side: message.side,
            size: message.size,
            hash: message.hash,
            best_bid: message.best_bid,
            best_ask: message.best_ask,
        }];
        let (changes, hash) = match (&message.price_changes, &message.changes) {
            (Some(changes), _) => (changes.as_slice(), None),
            (None, Some(changes)) => (changes.as_slice(), bare(message.hash)),
            (None, None) => (own.as_slice(), None),
        };
        let asset_id = bare(message.asset_id);
        // a message counts as a whole or not at all
        let checked =
            changes.iter().map(|change| check(change, asset_id, hash)).collect::<Checking<Vec<_>>>()?;
        for (row, change) in (0..).zip(&checked) {
            self.push(change, "change", event_ns, (sequence, row));
        }
        Ok(())
    }

    fn push(&mut self, level: &Checked<'_>, cause: &str, event_ns: i64, (sequence, row): (u64, u32)) {
        self.read.newest_ns = self.read.newest_ns.max(Some(event_ns));
        self.read.changes.push(&BookChange {
            event_ns,
            recv_ns: self.recv_ns,
            source: self.connection.source,
            connection: self.connection.name,
            sequence,
            row,
            instrument: level.instrument,
            cause,
            side: level.side,
            price: level.price,
            size: level.size,
            first_update: None,
            last_update: None,
            checksum: None,
            hash: level.hash,
            best_bid: level.best_bid,
            best_ask: level.best_ask,
        });
    }

    fn trade(&mut self, message: &Message<'_>, sequence: u64) -> Checking<()> {
        let base = self.base(message)?;
        let tx_hash = bare(message.transaction_hash).map(hash32).transpose()?;
        self.read.trades.push(&Trade {
            event_ns: base.event_ns,
            recv_ns: self.recv_ns,
            source: self.connection.source,
            connection: self.connection.name,
            sequence,
            row: 0,
            market: bare(message.market),
            instrument: base.instrument,
            price: price(message.price)?,
            size: optional(message.size)?,
            taker_side: message.side.map(|side| Ok::<_, String>(taker(side)?.0)).transpose()?,
            trade_id: None,
            tx_hash,
            fee_bps: optional(message.fee_rate_bps)?,
        });
        Ok(())
    }

    fn best_bid_ask(&mut self, message: &Message<'_>, sequence: u64) -> Checking<()> {
        let base = self.base(message)?;
        let (bid, ask) = (optional(message.best_bid)?, optional(message.best_ask)?);
        self.read.tops.push(&BookTop {
            event_ns: base.event_ns,
            recv_ns: self.recv_ns,
            source: self.connection.source,
            connection: self.connection.name,
            sequence,
            instrument: base.instrument,
            cause: "told",
            bid_price: bid.map(within).transpose()?,
            bid_size: None,
            ask_price: ask.map(within).transpose()?,
            ask_size: None,
        });
        Ok(())
    }
}

fn check<'a>(
    change: &RawChange<'a>,
    asset_id: Option<&'a str>,
    hash: Option<&'a str>,
) -> Checking<Checked<'a>> {
    let Some(instrument) = bare(change.asset_id).or(asset_id) else {
        return Err("expected an asset_id, found none".to_owned());
    };
    let Some(side) = change.side else { return Err("expected a side, found none".to_owned()) };
    Ok(Checked {
        instrument: token(instrument)?,
        side: taker(side)?.1,
        price: price(change.price)?,
        size: optional(change.size)?.ok_or("expected a size, found none")?,
        hash: bare(change.hash).or(hash),
        best_bid: optional(change.best_bid)?,
        best_ask: optional(change.best_ask)?,
    })
}

/// Returns `text` where it is a token's number.
fn token(text: &str) -> Checking<&str> {
    if text.len() <= 78 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text);
    }
    Err(format!("expected a token's number, found {}", cut(text)))
}

/// Returns a decimal; none where it is absent or an empty text.
fn optional(value: Option<&RawValue>) -> Checking<Option<i128>> {
    let Some(raw) = value.filter(|raw| raw.get() != "\"\"") else { return Ok(None) };
    let found = bare(value).and_then(|text| parse(text.as_bytes()));
    found.map(Some).ok_or_else(|| format!("expected a decimal, found {}", cut(raw.get())))
}

fn price(value: Option<&RawValue>) -> Checking<i128> {
    within(optional(value)?.ok_or("expected a price, found none")?)
}

fn within(price: i128) -> Checking<i128> {
    if (0..=ONE).contains(&price) {
        return Ok(price);
    }
    Err(format!("expected a price from 0 to 1, found {}.{:018}", price / ONE, price % ONE))
}

/// Returns what a taker does, and the half of the book where an order of that side stands.
fn taker(side: &RawValue) -> Checking<(&'static str, &'static str)> {
    match bare(Some(side)) {
        Some(text) if text.eq_ignore_ascii_case("BUY") => Ok(("buy", "bid")),
        Some(text) if text.eq_ignore_ascii_case("SELL") => Ok(("sell", "ask")),
        _ => Err(format!("expected side BUY or SELL, found {}", cut(side.get()))),
    }
}

fn levels(raw: Option<&[RawLevel<'_>]>) -> Checking<Vec<(i128, i128)>> {
    let raw = raw.ok_or("expected bids and asks, found one of them or none")?;
    let level = |level: &RawLevel<'_>| {
        let size = optional(Some(level.size))?.ok_or("expected a size, found none")?;
        Ok((price(Some(level.price))?, size))
    };
    raw.iter().map(level).collect()
}

fn count(levels: &[(i128, i128)]) -> Checking<u32> {
    u32::try_from(levels.len()).map_err(|_| "expected fewer levels".to_owned())
}

fn hash32(text: &str) -> Checking<[u8; 32]> {
    let wrong = || format!("expected a transaction's hash, found {}", cut(text));
    let digits =
        text.strip_prefix("0x").filter(|digits| digits.len() == 64 && digits.is_ascii()).ok_or_else(wrong)?;
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        let pair = digits.get(2 * at..2 * at + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(hash)
}
