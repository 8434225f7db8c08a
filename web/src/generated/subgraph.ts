// Every event's fields. Written by `make generate`; do not edit.

import type { Exact, Integer, Kind, Nanos } from "./types";

export interface SubgraphHead {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  chain_id: Integer;
  block_number: Integer;
  block_hash: string;
  chain_block_number: Integer | null;
  lag_blocks: Integer | null;
  has_indexing_errors: number;
}

export interface SubgraphSwap {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  dex: string;
  swap_id: string;
  kind: "told" | "retracted";
  as_of_block: Integer;
  block_number: Integer | null;
  tx_hash: string;
  log_index: number | null;
  pool: string;
  sender: string | null;
  recipient: string | null;
  token_in: string;
  token_out: string;
  amount_in: Exact;
  amount_out: Exact;
}

export interface SubgraphPool {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  dex: string;
  block_number: Integer;
  block_hash: string;
  pool_id: string;
  pool: string;
  kind: string | null;
  fee_e18: Exact | null;
  sqrt_price_x96: Exact | null;
  liquidity: Exact | null;
  tick: number | null;
  token_count: number;
}

export interface SubgraphBalance {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  dex: string;
  block_number: Integer;
  block_hash: string;
  pool_id: string;
  pool: string;
  token_index: number;
  token: string;
  symbol: string | null;
  decimals: number;
  balance: Exact;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  subgraph_head: {
    meaning: "How far an indexer has read the chain, and how far behind the chain's head that is.",
    identity: ["source", "connection", "sequence"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["chain_block_number", "U64", "", true],
      ["lag_blocks", "U64", "", true],
      ["has_indexing_errors", "U8", "", false],
    ],
  },
  subgraph_swap: {
    meaning: "One exchange of tokens with a pool, as an indexer tells it; seen from the pool.",
    identity: ["source", "swap_id", "as_of_block", "kind"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["dex", "Name", "", false],
      ["swap_id", "Text", "", false],
      ["kind", "Name", "", false],
      ["as_of_block", "U64", "", false],
      ["block_number", "U64", "", true],
      ["tx_hash", "Hash", "", false],
      ["log_index", "U32", "", true],
      ["pool", "Address", "", false],
      ["sender", "Address", "", true],
      ["recipient", "Address", "", true],
      ["token_in", "Address", "", false],
      ["token_out", "Address", "", false],
      ["amount_in", "U256", "", false],
      ["amount_out", "U256", "", false],
    ],
  },
  subgraph_pool: {
    meaning: "A pool as an indexer has it at one block.",
    identity: ["source", "pool_id", "block_hash"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["dex", "Name", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["pool_id", "Text", "", false],
      ["pool", "Address", "", false],
      ["kind", "Text", "", true],
      ["fee_e18", "U128", "", true],
      ["sqrt_price_x96", "U256", "", true],
      ["liquidity", "U128", "", true],
      ["tick", "I32", "", true],
      ["token_count", "U32", "", false],
    ],
  },
  subgraph_balance: {
    meaning: "What a pool holds of one token, as an indexer has it at one block.",
    identity: ["source", "pool_id", "token_index", "block_hash"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["dex", "Name", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["pool_id", "Text", "", false],
      ["pool", "Address", "", false],
      ["token_index", "U32", "", false],
      ["token", "Address", "", false],
      ["symbol", "Text", "", true],
      ["decimals", "U32", "", false],
      ["balance", "U256", "", false],
    ],
  },
};
