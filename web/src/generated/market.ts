// Every event's fields. Written by `make generate`; do not edit.

import type { Exact, Integer, Kind, Nanos } from "./types";

export interface BookSnapshot {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  market: string | null;
  instrument: string;
  bid_count: number;
  ask_count: number;
  last_update: Integer | null;
  price_decimals: number | null;
  size_decimals: number | null;
  checksum: number | null;
  hash: string | null;
  hash_check: "matched" | "different" | null;
  tick_size: Exact | null;
  order_size_min: Exact | null;
  last_trade_price: Exact | null;
}

export interface BookChange {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  row: number;
  instrument: string;
  cause: "snapshot" | "change";
  side: "bid" | "ask";
  price: Exact;
  size: Exact;
  first_update: Integer | null;
  last_update: Integer | null;
  checksum: number | null;
  hash: string | null;
  best_bid: Exact | null;
  best_ask: Exact | null;
}

export interface BookTop {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  instrument: string;
  cause: "kept" | "told";
  bid_price: Exact | null;
  bid_size: Exact | null;
  ask_price: Exact | null;
  ask_size: Exact | null;
}

export interface BookStatus {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  instrument: string;
  state: "live" | "gap";
  detail: string;
}

export interface Trade {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  row: number;
  market: string | null;
  instrument: string;
  price: Exact;
  size: Exact | null;
  taker_side: "buy" | "sell" | null;
  trade_id: string | null;
  tx_hash: string | null;
  fee_bps: Exact | null;
}

export interface WalletTrade {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  row: number;
  channel: string;
  market: string | null;
  instrument: string;
  wallet: string;
  side: "buy" | "sell";
  role: "taker" | "maker" | null;
  price: Exact;
  size: Exact;
  tx_hash: string | null;
  slug: string | null;
  outcome: string | null;
  pseudonym: string | null;
  amount: Exact | null;
  fee: Exact | null;
  fee_size: Exact | null;
  counterparty: string | null;
  order_hash: string | null;
  exchange: string | null;
  chain_id: Integer | null;
  block_number: Integer | null;
  block_hash: string | null;
  tx_index: number | null;
  log_index: number | null;
}

export interface Market {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  row: number;
  market: string;
  instrument: string;
  slug: string | null;
  question: string | null;
  outcome: string | null;
  outcome_index: number | null;
  tick_size: Exact | null;
  order_size_min: Exact | null;
  is_neg_risk: number | null;
  is_active: number | null;
  is_closed: number | null;
  has_book: number | null;
  end_ns: Nanos | null;
}

export interface MarketStatus {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  row: number;
  market: string;
  change: "listed" | "tick_size" | "resolved";
  instrument: string;
  outcome: string | null;
  tick_size: Exact | null;
  tick_size_before: Exact | null;
  is_winning: number | null;
  slug: string | null;
  question: string | null;
}

export interface OwnOrder {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  row: number;
  market: string;
  instrument: string;
  order_id: string;
  change: "placed" | "updated" | "cancelled";
  status: string;
  side: "buy" | "sell";
  price: Exact;
  size: Exact;
  matched_size: Exact | null;
  order_type: string | null;
  created_ns: Nanos | null;
  expires_ns: Nanos | null;
}

export interface OwnFill {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  row: number;
  market: string;
  instrument: string;
  trade_id: string;
  order_id: string;
  role: "taker" | "maker";
  is_own: number | null;
  status: "matched" | "mined" | "confirmed" | "retrying" | "failed" | "ghost";
  side: "buy" | "sell" | null;
  price: Exact;
  size: Exact;
  fee_bps: Exact | null;
  tx_hash: string | null;
  matched_ns: Nanos | null;
}

export interface ReferencePrice {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  row: number;
  channel: string;
  instrument: string;
  price: Exact;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  book_snapshot: {
    meaning: "A whole book begins: what was known of it before is void.",
    identity: ["source", "connection", "sequence"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["market", "Text", "", true],
      ["instrument", "Text", "", false],
      ["bid_count", "U32", "", false],
      ["ask_count", "U32", "", false],
      ["last_update", "U64", "", true],
      ["price_decimals", "U8", "", true],
      ["size_decimals", "U8", "", true],
      ["checksum", "U32", "", true],
      ["hash", "Text", "", true],
      ["hash_check", "Name", "", true],
      ["tick_size", "Fixed18", "quote per base", true],
      ["order_size_min", "Fixed18", "base", true],
      ["last_trade_price", "Fixed18", "quote per base", true],
    ],
  },
  book_change: {
    meaning: "One level of a book has this size now.",
    identity: ["source", "connection", "sequence", "row"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["row", "U32", "", false],
      ["instrument", "Text", "", false],
      ["cause", "Name", "", false],
      ["side", "Name", "", false],
      ["price", "Fixed18", "quote per base", false],
      ["size", "Fixed18", "base", false],
      ["first_update", "U64", "", true],
      ["last_update", "U64", "", true],
      ["checksum", "U32", "", true],
      ["hash", "Text", "", true],
      ["best_bid", "Fixed18", "quote per base", true],
      ["best_ask", "Fixed18", "quote per base", true],
    ],
  },
  book_top: {
    meaning: "The best bid and ask changed.",
    identity: ["source", "connection", "sequence", "instrument"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["instrument", "Text", "", false],
      ["cause", "Name", "", false],
      ["bid_price", "Fixed18", "quote per base", true],
      ["bid_size", "Fixed18", "base", true],
      ["ask_price", "Fixed18", "quote per base", true],
      ["ask_size", "Fixed18", "base", true],
    ],
  },
  book_status: {
    meaning: "A kept book became reliable, or ceased to be.",
    identity: ["source", "connection", "sequence", "instrument"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["instrument", "Text", "", false],
      ["state", "Name", "", false],
      ["detail", "Text", "", false],
    ],
  },
  trade: {
    meaning: "One match between a taker and makers, as the venue publishes it.",
    identity: ["source", "connection", "sequence", "row"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["row", "U32", "", false],
      ["market", "Text", "", true],
      ["instrument", "Text", "", false],
      ["price", "Fixed18", "quote per base", false],
      ["size", "Fixed18", "base", true],
      ["taker_side", "Name", "", true],
      ["trade_id", "Text", "", true],
      ["tx_hash", "Hash", "", true],
      ["fee_bps", "Fixed18", "0.01%", true],
    ],
  },
  wallet_trade: {
    meaning: "A trade, seen from one wallet that took part in it.",
    identity: ["source", "connection", "sequence", "row"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["row", "U32", "", false],
      ["channel", "Name", "", false],
      ["market", "Text", "", true],
      ["instrument", "Text", "", false],
      ["wallet", "Address", "", false],
      ["side", "Name", "", false],
      ["role", "Name", "", true],
      ["price", "Fixed18", "quote per base", false],
      ["size", "Fixed18", "base", false],
      ["tx_hash", "Hash", "", true],
      ["slug", "Text", "", true],
      ["outcome", "Text", "", true],
      ["pseudonym", "Text", "", true],
      ["amount", "Fixed18", "quote", true],
      ["fee", "Fixed18", "quote", true],
      ["fee_size", "Fixed18", "base", true],
      ["counterparty", "Address", "", true],
      ["order_hash", "Hash", "", true],
      ["exchange", "Address", "", true],
      ["chain_id", "U64", "", true],
      ["block_number", "U64", "", true],
      ["block_hash", "Hash", "", true],
      ["tx_index", "U32", "", true],
      ["log_index", "U32", "", true],
    ],
  },
  market: {
    meaning: "One instrument of a market, as the venue's directory describes it.",
    identity: ["source", "connection", "sequence", "row"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["row", "U32", "", false],
      ["market", "Text", "", false],
      ["instrument", "Text", "", false],
      ["slug", "Text", "", true],
      ["question", "Text", "", true],
      ["outcome", "Text", "", true],
      ["outcome_index", "U32", "", true],
      ["tick_size", "Fixed18", "quote per base", true],
      ["order_size_min", "Fixed18", "base", true],
      ["is_neg_risk", "U8", "", true],
      ["is_active", "U8", "", true],
      ["is_closed", "U8", "", true],
      ["has_book", "U8", "", true],
      ["end_ns", "Nanos", "ns since 1970-01-01 UTC", true],
    ],
  },
  market_status: {
    meaning: "A market was listed or settled, or its prices have another step.",
    identity: ["source", "connection", "sequence", "row"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["row", "U32", "", false],
      ["market", "Text", "", false],
      ["change", "Name", "", false],
      ["instrument", "Text", "", false],
      ["outcome", "Text", "", true],
      ["tick_size", "Fixed18", "quote per base", true],
      ["tick_size_before", "Fixed18", "quote per base", true],
      ["is_winning", "U8", "", true],
      ["slug", "Text", "", true],
      ["question", "Text", "", true],
    ],
  },
  own_order: {
    meaning: "An order of the configured account changed.",
    identity: ["source", "connection", "sequence", "row"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["row", "U32", "", false],
      ["market", "Text", "", false],
      ["instrument", "Text", "", false],
      ["order_id", "Text", "", false],
      ["change", "Name", "", false],
      ["status", "Text", "", false],
      ["side", "Name", "", false],
      ["price", "Fixed18", "quote per base", false],
      ["size", "Fixed18", "base", false],
      ["matched_size", "Fixed18", "base", true],
      ["order_type", "Name", "", true],
      ["created_ns", "Nanos", "ns since 1970-01-01 UTC", true],
      ["expires_ns", "Nanos", "ns since 1970-01-01 UTC", true],
    ],
  },
  own_fill: {
    meaning: "An order that took part in a match with the configured account, and how far that is settled.",
    identity: ["source", "connection", "sequence", "row"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["row", "U32", "", false],
      ["market", "Text", "", false],
      ["instrument", "Text", "", false],
      ["trade_id", "Text", "", false],
      ["order_id", "Text", "", false],
      ["role", "Name", "", false],
      ["is_own", "U8", "", true],
      ["status", "Name", "", false],
      ["side", "Name", "", true],
      ["price", "Fixed18", "quote per base", false],
      ["size", "Fixed18", "base", false],
      ["fee_bps", "Fixed18", "0.01%", true],
      ["tx_hash", "Hash", "", true],
      ["matched_ns", "Nanos", "ns since 1970-01-01 UTC", true],
    ],
  },
  reference_price: {
    meaning: "A price from outside, by which markets are settled.",
    identity: ["source", "connection", "sequence", "row"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["row", "U32", "", false],
      ["channel", "Name", "", false],
      ["instrument", "Text", "", false],
      ["price", "Fixed18", "quote per base", false],
    ],
  },
};
