// Every event's fields. Written by `make generate`; do not edit.

import type { Exact, Integer, Kind, Nanos } from "./types";

export interface Block {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  block_hash: string;
  parent_hash: string;
  base_fee_wei: Exact | null;
  gas_used: Integer;
  gas_limit: Integer;
  log_count: number;
}

export interface Reorg {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  block_hash: string;
  kind: "reverted" | "restored";
  sequence: Integer;
}

export interface Pool {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  block_hash: string;
  tx_hash: string | null;
  log_index: number | null;
  pool: string;
  protocol: string;
  dex: string;
  factory: string;
  token0: string;
  token1: string;
  fee_ppm: number | null;
  tick_spacing: number | null;
}

export interface Token {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  token: string;
  symbol: string | null;
  decimals: number | null;
}

export interface TokenTrial {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  token: string;
  holder: string;
  block_number: Integer | null;
  nature: "ordinary" | "fee_on_transfer" | "rebasing" | "unmovable" | null;
}

export interface Swap {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  block_hash: string;
  tx_hash: string;
  tx_index: number;
  log_index: number;
  pool: string;
  protocol: string;
  dex: string;
  sender: string | null;
  recipient: string | null;
  token0: string | null;
  token1: string | null;
  amount0_in: Exact;
  amount1_in: Exact;
  amount0_out: Exact;
  amount1_out: Exact;
  sqrt_price_x96: Exact | null;
  liquidity: Exact | null;
  tick: number | null;
}

export interface LiquidityChange {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  block_hash: string;
  tx_hash: string;
  tx_index: number;
  log_index: number;
  pool: string;
  protocol: string;
  dex: string;
  kind: "mint" | "burn";
  owner: string;
  amount0: Exact;
  amount1: Exact;
  liquidity: Exact | null;
  tick_lower: number | null;
  tick_upper: number | null;
}

export interface PoolState {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  block_hash: string;
  log_index: number | null;
  pool: string;
  protocol: string;
  dex: string;
  cause: "log" | "bootstrap" | "reorg";
  sequence: Integer;
  reserve0: Exact | null;
  reserve1: Exact | null;
  sqrt_price_x96: Exact | null;
  liquidity: Exact | null;
  tick: number | null;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  block: {
    meaning: "One block of a chain whose tracked logs are all here.",
    identity: ["chain_id", "block_hash"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["parent_hash", "Hash", "", false],
      ["base_fee_wei", "U256", "", true],
      ["gas_used", "U64", "", false],
      ["gas_limit", "U64", "", false],
      ["log_count", "U32", "", false],
    ],
  },
  reorg: {
    meaning: "One block left the canonical chain, or came back to it.",
    identity: ["chain_id", "block_hash", "sequence"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["kind", "Name", "", false],
      ["sequence", "U64", "", false],
    ],
  },
  pool: {
    meaning: "A pool became known, from its factory's event or by reading the chain.",
    identity: ["chain_id", "pool", "block_hash"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["tx_hash", "Hash", "", true],
      ["log_index", "U32", "", true],
      ["pool", "Address", "", false],
      ["protocol", "Name", "", false],
      ["dex", "Name", "", false],
      ["factory", "Address", "", false],
      ["token0", "Address", "", false],
      ["token1", "Address", "", false],
      ["fee_ppm", "U32", "", true],
      ["tick_spacing", "I32", "", true],
    ],
  },
  token: {
    meaning: "A token's own description, as its contract gave it.",
    identity: ["chain_id", "token", "block_number"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["token", "Address", "", false],
      ["symbol", "Text", "", true],
      ["decimals", "U32", "", true],
    ],
  },
  token_trial: {
    meaning: "How a token's balances move, as a trial on the chain's own state showed, which changed nothing.",
    identity: ["chain_id", "token", "holder", "event_ns"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["token", "Address", "", false],
      ["holder", "Address", "", false],
      ["block_number", "U64", "", true],
      ["nature", "Name", "", true],
    ],
  },
  swap: {
    meaning: "One exchange of tokens with a pool; what came in and what went out, seen from the pool.",
    identity: ["chain_id", "block_hash", "log_index"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["tx_hash", "Hash", "", false],
      ["tx_index", "U32", "", false],
      ["log_index", "U32", "", false],
      ["pool", "Address", "", false],
      ["protocol", "Name", "", false],
      ["dex", "Name", "", false],
      ["sender", "Address", "", true],
      ["recipient", "Address", "", true],
      ["token0", "Address", "", true],
      ["token1", "Address", "", true],
      ["amount0_in", "U256", "", false],
      ["amount1_in", "U256", "", false],
      ["amount0_out", "U256", "", false],
      ["amount1_out", "U256", "", false],
      ["sqrt_price_x96", "U256", "", true],
      ["liquidity", "U128", "", true],
      ["tick", "I32", "", true],
    ],
  },
  liquidity_change: {
    meaning: "Liquidity added to a pool or taken from it.",
    identity: ["chain_id", "block_hash", "log_index"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["tx_hash", "Hash", "", false],
      ["tx_index", "U32", "", false],
      ["log_index", "U32", "", false],
      ["pool", "Address", "", false],
      ["protocol", "Name", "", false],
      ["dex", "Name", "", false],
      ["kind", "Name", "", false],
      ["owner", "Address", "", false],
      ["amount0", "U256", "", false],
      ["amount1", "U256", "", false],
      ["liquidity", "U128", "", true],
      ["tick_lower", "I32", "", true],
      ["tick_upper", "I32", "", true],
    ],
  },
  pool_state: {
    meaning: "A pool's state after the log, or at the block, that is named here.",
    identity: ["chain_id", "block_hash", "log_index", "pool", "cause", "sequence"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["log_index", "U32", "", true],
      ["pool", "Address", "", false],
      ["protocol", "Name", "", false],
      ["dex", "Name", "", false],
      ["cause", "Name", "", false],
      ["sequence", "U64", "", false],
      ["reserve0", "U128", "", true],
      ["reserve1", "U128", "", true],
      ["sqrt_price_x96", "U256", "", true],
      ["liquidity", "U128", "", true],
      ["tick", "I32", "", true],
    ],
  },
};
