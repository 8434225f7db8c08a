//! Frames of Kraken's first WebSocket interface to events: books with their checksums, and trades.
//!
//! A frame of a channel is an array: the channel's number, one or two payloads, the channel's name, the pair.
//! Source: <https://docs.kraken.com/api/docs/guides/spot-ws-book-v1>.

use std::fmt;

use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tidemill_events::{BookChange, BookSnapshot, Trade};

use crate::decimal::parse;
use crate::frames::{cut, Connection, Read, Unread};

/// Payload of a book: `as` and `bs` begin it, `a` and `b` change it, `c` is its checksum afterwards.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(rename = "as", borrow)]
    whole_asks: Option<Vec<Entry<'a>>>,
    #[serde(rename = "bs", borrow)]
    whole_bids: Option<Vec<Entry<'a>>>,
    #[serde(rename = "a", borrow)]
    asks: Option<Vec<Entry<'a>>>,
    #[serde(rename = "b", borrow)]
    bids: Option<Vec<Entry<'a>>>,
    #[serde(rename = "c", borrow)]
    checksum: Option<&'a str>,
}

/// The first texts of a level or a trade: price, size, time, and the taker's side of a trade.
struct Entry<'a> {
    price: &'a str,
    size: &'a str,
    time: &'a str,
    side: Option<&'a str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Entry<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Entry<'de>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("price, size and time")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Entry<'de>, A::Error> {
                let mut next = |what| -> Result<&'de str, A::Error> {
                    texts.next_element()?.ok_or_else(|| A::Error::missing_field(what))
                };
                let (price, size, time) = (next("price")?, next("size")?, next("time")?);
                let side = texts.next_element::<&'de str>()?;
                while texts.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Entry { price, size, time, side })
            }
        }
        deserializer.deserialize_seq(Texts)
    }
}

/// A message about the connection.
#[derive(Deserialize)]
struct Notice<'a> {
    event: &'a str,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(rename = "errorMessage", borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    pair: Option<&'a str>,
}

type Checking<T> = Result<T, String>;

/// Reads frames, each with the time at which it came, in their order; messages are numbered from `first_sequence`.
pub fn read<'a>(
    connection: &Connection<'_>,
    first_sequence: u64,
    frames: impl IntoIterator<Item = (i64, &'a [u8])>,
) -> Read {
    let mut read = Read { next_sequence: first_sequence, ..Read::default() };
    for (at, (recv_ns, frame)) in frames.into_iter().enumerate() {
        let mut reader = Reader { connection, recv_ns, read: &mut read };
        let outcome = match frame.trim_ascii_start().first() {
            Some(b'[') => reader.channel(frame),
            _ => notice(frame).map_err(|detail| (detail, None)),
        };
        if let Err((detail, instrument)) = outcome {
            read.unread.push(Unread { frame: at, detail, instruments: instrument.into_iter().collect() });
        }
    }
    read
}

/// Says what is wrong with a message about the connection, or what it says is.
fn notice(frame: &[u8]) -> Checking<()> {
    let notice: Notice<'_> =
        serde_json::from_slice(frame).map_err(|error| format!("expected a message: {error}"))?;
    let is_error = notice.event == "error" || notice.status.is_some_and(|status| status.get() == "\"error\"");
    if !is_error {
        return Ok(());
    }
    let (pair, why) = (notice.pair.unwrap_or("no pair"), notice.error.map_or("no reason", RawValue::get));
    Err(format!("expected a subscription of {}, found {}", cut(pair), cut(why)))
}

struct Reader<'a> {
    connection: &'a Connection<'a>,
    recv_ns: i64,
    read: &'a mut Read,
}

/// What every row of a message has.
#[derive(Clone, Copy)]
struct Base<'a> {
    event_ns: i64,
    sequence: u64,
    instrument: &'a str,
    checksum: Option<u32>,
}

impl Reader<'_> {
    fn channel(&mut self, frame: &[u8]) -> Result<(), (String, Option<String>)> {
        let wrong = |error: serde_json::Error| (format!("expected a channel's message: {error}"), None);
        let parts: Vec<&RawValue> = serde_json::from_slice(frame).map_err(wrong)?;
        let [_, payloads @ .., channel, pair] = parts.as_slice() else {
            return Err(("expected a channel and a pair, found fewer parts".to_owned(), None));
        };
        let pair: &str = serde_json::from_str(pair.get()).map_err(wrong)?;
        let channel: &str = serde_json::from_str(channel.get()).map_err(wrong)?;
        let sequence = self.read.next_sequence;
        self.read.next_sequence += 1;
        let read = match channel.split('-').next() {
            Some("book") => self.book(payloads, pair, sequence),
            Some("trade") => self.trades(payloads, pair, sequence),
            _ => Err(format!("expected channel book or trade, found {}", cut(channel))),
        };
        read.map_err(|detail| (detail, Some(pair.to_owned())))
    }

    fn book(&mut self, payloads: &[&RawValue], pair: &str, sequence: u64) -> Checking<()> {
        let payloads = payloads.iter().map(|payload| serde_json::from_str::<Payload<'_>>(payload.get()));
        let payloads =
            payloads.collect::<Result<Vec<_>, _>>().map_err(|error| format!("expected levels: {error}"))?;
        let is_whole = payloads.iter().any(|payload| payload.whole_asks.is_some());
        let mut levels = Vec::with_capacity(4);
        let mut checksum = None;
        for payload in &payloads {
            let (asks, bids) = if is_whole {
                (&payload.whole_asks, &payload.whole_bids)
            } else {
                (&payload.asks, &payload.bids)
            };
            levels.extend(asks.iter().flatten().map(|entry| ("ask", entry)));
            levels.extend(bids.iter().flatten().map(|entry| ("bid", entry)));
            if let Some(text) = payload.checksum {
                let number = text.parse::<u32>();
                checksum = Some(number.map_err(|_| format!("expected a checksum, found {}", cut(text)))?);
            }
        }
        let checked = levels.iter().map(|(side, entry)| {
            Ok((*side, decimal(entry.price)?, decimal(entry.size)?, time_ns(entry.time)?))
        });
        let checked = checked.collect::<Checking<Vec<_>>>()?;
        let event_ns = checked.iter().map(|level| level.3).max();
        let event_ns = event_ns.ok_or("expected levels, found none")?;
        let base = Base { event_ns, sequence, instrument: pair, checksum };
        if is_whole {
            let first = levels.first().map(|(_, entry)| (places(entry.price), places(entry.size)));
            let count = |side| checked.iter().filter(|level| level.0 == side).count();
            self.begin(&base, first, [count("bid"), count("ask")])?;
        }
        let cause = if is_whole { "snapshot" } else { "change" };
        for (row, (side, price, size, _)) in (0..).zip(&checked) {
            self.push(&base, row, (cause, side), (*price, *size));
        }
        Ok(())
    }

    fn begin(&mut self, base: &Base<'_>, places: Option<(u8, u8)>, counts: [usize; 2]) -> Checking<()> {
        let [bid_count, ask_count] = counts.map(u32::try_from);
        let too_many = |_| "expected fewer levels".to_owned();
        self.read.snapshots.push(&BookSnapshot {
            event_ns: base.event_ns,
            recv_ns: self.recv_ns,
            source: self.connection.source,
            connection: self.connection.name,
            sequence: base.sequence,
            market: None,
            instrument: base.instrument,
            bid_count: bid_count.map_err(too_many)?,
            ask_count: ask_count.map_err(too_many)?,
            last_update: None,
            price_decimals: places.map(|(price, _)| price),
            size_decimals: places.map(|(_, size)| size),
            checksum: base.checksum,
            hash: None,
            hash_check: None,
            tick_size: None,
            order_size_min: None,
            last_trade_price: None,
        });
        Ok(())
    }

    fn push(&mut self, base: &Base<'_>, row: u32, told: (&str, &str), level: (i128, i128)) {
        self.read.changes.push(&BookChange {
            event_ns: base.event_ns,
            recv_ns: self.recv_ns,
            source: self.connection.source,
            connection: self.connection.name,
            sequence: base.sequence,
            row,
            instrument: base.instrument,
            cause: told.0,
            side: told.1,
            price: level.0,
            size: level.1,
            first_update: None,
            last_update: None,
            checksum: base.checksum,
            hash: None,
            best_bid: None,
            best_ask: None,
        });
    }

    fn trades(&mut self, payloads: &[&RawValue], pair: &str, sequence: u64) -> Checking<()> {
        let [payload] = payloads else { return Err("expected one list of trades".to_owned()) };
        let entries: Vec<Entry<'_>> = serde_json::from_str(payload.get())
            .map_err(|error| format!("expected a list of trades: {error}"))?;
        let checked = entries.iter().map(|entry| {
            let taker_side = match entry.side {
                Some("b") => "buy",
                Some("s") => "sell",
                other => return Err(format!("expected side b or s, found {}", cut(other.unwrap_or("none")))),
            };
            Ok((taker_side, decimal(entry.price)?, decimal(entry.size)?, time_ns(entry.time)?))
        });
        let checked = checked.collect::<Checking<Vec<_>>>()?;
        for (row, (taker_side, price, size, event_ns)) in (0..).zip(checked) {
            self.read.trades.push(&Trade {
                event_ns,
                recv_ns: self.recv_ns,
                source: self.connection.source,
                connection: self.connection.name,
                sequence,
                row,
                market: None,
                instrument: pair,
                price,
                size: Some(size),
                taker_side: Some(taker_side),
                trade_id: None,
                tx_hash: None,
                fee_bps: None,
            });
        }
        Ok(())
    }
}

fn decimal(text: &str) -> Checking<i128> {
    parse(text.as_bytes()).ok_or_else(|| format!("expected a decimal, found {}", cut(text)))
}

/// Returns the digits after the point.
fn places(text: &str) -> u8 {
    text.split_once('.').map_or(0, |(_, after)| u8::try_from(after.len()).unwrap_or(u8::MAX))
}

/// Returns the ns of a time in s, of which nine digits after the point count.
fn time_ns(text: &str) -> Checking<i64> {
    let wrong = || format!("expected a time in s, found {}", cut(text));
    let (whole, after) = text.split_once('.').unwrap_or((text, ""));
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 10 || !is_plain(whole) || !is_plain(after) {
        return Err(wrong());
    }
    let after = after.bytes().chain(std::iter::repeat(b'0')).take(9);
    let fraction = after.fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
    whole
        .parse::<i64>()
        .ok()
        .and_then(|whole| whole.checked_mul(1_000_000_000)?.checked_add(fraction))
        .ok_or_else(wrong)
}
