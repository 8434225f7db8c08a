// Every event's fields. Written by `make generate`; do not edit.

import type { Exact, Integer, Kind, Nanos } from "./types";

export interface WhaleTrade {
  event_ns: Nanos;
  recv_ns: Nanos;
  detected_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  chain_id: Integer | null;
  block_number: Integer | null;
  block_hash: string | null;
  trader_address: string;
  market_id: string | null;
  token_id: string;
  row: number;
  trade_id: string;
  order_id: string;
  side: "buy" | "sell";
  size: Exact;
  price: Exact;
  amount: Exact;
  role: "taker" | "maker" | null;
  reason: "registered" | "large";
  state: "matched" | "settled" | "ghost" | "reverted";
  usual_amount: Exact | null;
  is_copied: number;
  pseudonym: string | null;
  tx_hash: string | null;
  log_index: number | null;
}

export interface WhaleSettlement {
  event_ns: Nanos;
  recv_ns: Nanos;
  detected_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  chain_id: Integer | null;
  block_number: Integer | null;
  block_hash: string | null;
  trader_address: string;
  market_id: string | null;
  token_id: string;
  trade_id: string;
  state: "matched" | "settled" | "ghost" | "reverted";
  size: Exact;
  tx_hash: string | null;
}

export interface WhaleOrder {
  event_ns: Nanos;
  recv_ns: Nanos;
  detected_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  chain_id: Integer | null;
  block_number: Integer | null;
  block_hash: string | null;
  trader_address: string;
  market_id: string | null;
  token_id: string;
  order_id: string;
  status: "open" | "closed";
  side: "buy" | "sell";
  size: Exact;
  price: Exact;
  amount: Exact;
  trade_count: number;
  first_ns: Nanos;
  reason: "registered" | "large";
  usual_amount: Exact | null;
}

export interface WhalePosition {
  event_ns: Nanos;
  recv_ns: Nanos;
  detected_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  chain_id: Integer | null;
  block_number: Integer | null;
  block_hash: string | null;
  trader_address: string;
  market_id: string | null;
  token_id: string;
  change: "opened" | "increased" | "reduced" | "closed" | "restated";
  size: Exact;
  size_before: Exact;
  average_price: Exact | null;
  realized_pnl: Exact | null;
  unseen_size: Exact | null;
}

export interface WhaleAlert {
  event_ns: Nanos;
  recv_ns: Nanos;
  detected_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  chain_id: Integer | null;
  block_number: Integer | null;
  block_hash: string | null;
  alert_id: string;
  kind: "wash" | "layering" | "spike";
  trader_address: string | null;
  counterparty: string | null;
  market_id: string | null;
  token_id: string;
  detail: string;
  evidence: string;
}

export interface WhaleLink {
  event_ns: Nanos;
  recv_ns: Nanos;
  detected_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  chain_id: Integer | null;
  block_number: Integer | null;
  block_hash: string | null;
  wallet: string;
  funder: string;
  token: string;
  amount: Exact;
  tx_hash: string;
  log_index: number;
}

export interface WhaleCopy {
  event_ns: Nanos;
  recv_ns: Nanos;
  detected_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  chain_id: Integer | null;
  block_number: Integer | null;
  block_hash: string | null;
  trader_address: string;
  market_id: string | null;
  token_id: string;
  trade_id: string;
  status: "filled" | "unpriced" | "unheld" | "limited";
  side: "buy" | "sell";
  size: Exact;
  price: Exact | null;
  price_kind: "top" | "trade" | null;
  price_ns: Nanos | null;
  whale_price: Exact;
  delay_ms: Integer;
  position_size: Exact;
  average_price: Exact | null;
  realized_pnl: Exact | null;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  whale_trade: {
    meaning: "One trade of a whale, told once, whether its venue or its chain was first.",
    identity: ["source", "connection", "sequence", "row"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["detected_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["chain_id", "U64", "", true],
      ["block_number", "U64", "", true],
      ["block_hash", "Hash", "", true],
      ["trader_address", "Address", "", false],
      ["market_id", "Text", "", true],
      ["token_id", "Text", "", false],
      ["row", "U32", "", false],
      ["trade_id", "Text", "", false],
      ["order_id", "Text", "", false],
      ["side", "Name", "", false],
      ["size", "Fixed18", "base", false],
      ["price", "Fixed18", "quote per base", false],
      ["amount", "Fixed18", "quote", false],
      ["role", "Name", "", true],
      ["reason", "Name", "", false],
      ["state", "Name", "", false],
      ["usual_amount", "Fixed18", "quote", true],
      ["is_copied", "U8", "", false],
      ["pseudonym", "Text", "", true],
      ["tx_hash", "Hash", "", true],
      ["log_index", "U32", "", true],
    ],
  },
  whale_settlement: {
    meaning: "How far a trade that was told is settled now.",
    identity: ["source", "connection", "sequence", "trade_id", "state"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["detected_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["chain_id", "U64", "", true],
      ["block_number", "U64", "", true],
      ["block_hash", "Hash", "", true],
      ["trader_address", "Address", "", false],
      ["market_id", "Text", "", true],
      ["token_id", "Text", "", false],
      ["trade_id", "Text", "", false],
      ["state", "Name", "", false],
      ["size", "Fixed18", "base", false],
      ["tx_hash", "Hash", "", true],
    ],
  },
  whale_order: {
    meaning: "Trades of one wallet, in one token and on one side, each soon after the last: split orders joined.",
    identity: ["source", "connection", "sequence", "order_id", "status"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["detected_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["chain_id", "U64", "", true],
      ["block_number", "U64", "", true],
      ["block_hash", "Hash", "", true],
      ["trader_address", "Address", "", false],
      ["market_id", "Text", "", true],
      ["token_id", "Text", "", false],
      ["order_id", "Text", "", false],
      ["status", "Name", "", false],
      ["side", "Name", "", false],
      ["size", "Fixed18", "base", false],
      ["price", "Fixed18", "quote per base", false],
      ["amount", "Fixed18", "quote", false],
      ["trade_count", "U32", "", false],
      ["first_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["reason", "Name", "", false],
      ["usual_amount", "Fixed18", "quote", true],
    ],
  },
  whale_position: {
    meaning: "A whale's position in one token changed, as far as its trades were seen.",
    identity: ["source", "connection", "sequence", "trader_address", "token_id", "change"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["detected_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["chain_id", "U64", "", true],
      ["block_number", "U64", "", true],
      ["block_hash", "Hash", "", true],
      ["trader_address", "Address", "", false],
      ["market_id", "Text", "", true],
      ["token_id", "Text", "", false],
      ["change", "Name", "", false],
      ["size", "Fixed18", "base", false],
      ["size_before", "Fixed18", "base", false],
      ["average_price", "Fixed18", "quote per base", true],
      ["realized_pnl", "Fixed18", "quote", true],
      ["unseen_size", "Fixed18", "base", true],
    ],
  },
  whale_alert: {
    meaning: "Something looks like manipulation; the evidence says why, and proves nothing of intent.",
    identity: ["source", "connection", "sequence", "alert_id"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["detected_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["chain_id", "U64", "", true],
      ["block_number", "U64", "", true],
      ["block_hash", "Hash", "", true],
      ["alert_id", "Text", "", false],
      ["kind", "Name", "", false],
      ["trader_address", "Address", "", true],
      ["counterparty", "Address", "", true],
      ["market_id", "Text", "", true],
      ["token_id", "Text", "", false],
      ["detail", "Text", "", false],
      ["evidence", "Text", "", false],
    ],
  },
  whale_link: {
    meaning: "A wallet was first funded by another one, by which wallets are taken together.",
    identity: ["source", "connection", "sequence", "log_index"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["detected_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["chain_id", "U64", "", true],
      ["block_number", "U64", "", true],
      ["block_hash", "Hash", "", true],
      ["wallet", "Address", "", false],
      ["funder", "Address", "", false],
      ["token", "Address", "", false],
      ["amount", "Fixed18", "quote", false],
      ["tx_hash", "Hash", "", false],
      ["log_index", "U32", "", false],
    ],
  },
  whale_copy: {
    meaning: "A whale's trade followed on paper, after the stated delay; as it would be live, no reorg undoes it.",
    identity: ["source", "connection", "sequence", "trade_id"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["detected_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["chain_id", "U64", "", true],
      ["block_number", "U64", "", true],
      ["block_hash", "Hash", "", true],
      ["trader_address", "Address", "", false],
      ["market_id", "Text", "", true],
      ["token_id", "Text", "", false],
      ["trade_id", "Text", "", false],
      ["status", "Name", "", false],
      ["side", "Name", "", false],
      ["size", "Fixed18", "base", false],
      ["price", "Fixed18", "quote per base", true],
      ["price_kind", "Name", "", true],
      ["price_ns", "Nanos", "ns since 1970-01-01 UTC", true],
      ["whale_price", "Fixed18", "quote per base", false],
      ["delay_ms", "U64", "", false],
      ["position_size", "Fixed18", "base", false],
      ["average_price", "Fixed18", "quote per base", true],
      ["realized_pnl", "Fixed18", "quote", true],
    ],
  },
};
