// Every event's fields. Written by `make generate`; do not edit.

import type { Exact, Integer, Kind, Nanos } from "./types";

export interface Opportunity {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  block_hash: string;
  opportunity: string;
  kind: "cycle" | "pair_gap";
  token: string;
  hop_count: number;
  rank: number;
  amount_in: Exact;
  gross_profit: Exact;
  flash_premium: Exact;
  gas: Integer | null;
  gas_price_wei: Exact | null;
  fee_wei: Exact | null;
  net_profit: Exact | null;
  net_profit_wei: Exact | null;
  break_even_gas_price_wei: Exact | null;
  net_profit_usd: number | null;
  usd_per_unit: number | null;
  usd_pool_1: string | null;
  usd_token_1: string | null;
  usd_pool_2: string | null;
  usd_token_2: string | null;
}

export interface OpportunityHop {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  block_hash: string;
  opportunity: string;
  hop: number;
  pool: string;
  protocol: string;
  dex: string;
  instrument: string | null;
  token_in: string;
  token_out: string;
  amount_in: Exact;
  amount_out: Exact;
  ticks_crossed: number;
  reserve0: Exact | null;
  reserve1: Exact | null;
  sqrt_price_x96: Exact | null;
  liquidity: Exact | null;
  tick: number | null;
  levels: string | null;
  taker_fee_ppm: number | null;
  lot_size: string | null;
  called: string | null;
  extra: string | null;
}

export interface OpportunityAutopsy {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  block_hash: string;
  sequence: Integer;
  opportunity: string;
  path: string;
  token: string;
  hop_count: number;
  cause: "taken" | "closed_by_trade" | "closed_by_liquidity" | "closed_by_book" | "costs" | "reorged" | "outlived" | "unknown";
  born_block_number: Integer;
  born_block_hash: string;
  born_ns: Nanos;
  followed_blocks: number;
  followed_ns: Integer;
  died_block_number: Integer | null;
  taker_tx_hash: string | null;
  taker_tx_index: number | null;
  taker_tx_count: number | null;
  taker_sender: string | null;
  taker_recipient: string | null;
  taken_token: string | null;
  taken: Exact | null;
  sent_gross_0: Exact | null;
  sent_gross_1: Exact | null;
  sent_gross_2: Exact | null;
  sent_net_0: Exact | null;
  sent_net_1: Exact | null;
  sent_net_2: Exact | null;
  best_gross_0: Exact | null;
  best_gross_1: Exact | null;
  best_gross_2: Exact | null;
  best_net_0: Exact | null;
  best_net_1: Exact | null;
  best_net_2: Exact | null;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  opportunity: {
    meaning: "A path of swaps that begins and ends with one token and, on the state after a block, pays more than it costs.",
    identity: ["chain_id", "opportunity"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["opportunity", "Hash", "", false],
      ["kind", "Name", "", false],
      ["token", "Address", "", false],
      ["hop_count", "U8", "", false],
      ["rank", "U32", "", false],
      ["amount_in", "U256", "", false],
      ["gross_profit", "U256", "", false],
      ["flash_premium", "U256", "", false],
      ["gas", "U64", "", true],
      ["gas_price_wei", "U256", "", true],
      ["fee_wei", "U256", "", true],
      ["net_profit", "U256", "", true],
      ["net_profit_wei", "U256", "", true],
      ["break_even_gas_price_wei", "U256", "", true],
      ["net_profit_usd", "F64", "US dollars", true],
      ["usd_per_unit", "F64", "US dollars", true],
      ["usd_pool_1", "Address", "", true],
      ["usd_token_1", "Address", "", true],
      ["usd_pool_2", "Address", "", true],
      ["usd_token_2", "Address", "", true],
    ],
  },
  opportunity_hop: {
    meaning: "One swap of an opportunity, with the state of pool or order book that its amounts come from.",
    identity: ["chain_id", "opportunity", "hop"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["opportunity", "Hash", "", false],
      ["hop", "U8", "", false],
      ["pool", "Address", "", false],
      ["protocol", "Name", "", false],
      ["dex", "Name", "", false],
      ["instrument", "Text", "", true],
      ["token_in", "Address", "", false],
      ["token_out", "Address", "", false],
      ["amount_in", "U256", "", false],
      ["amount_out", "U256", "", false],
      ["ticks_crossed", "U32", "", false],
      ["reserve0", "U128", "", true],
      ["reserve1", "U128", "", true],
      ["sqrt_price_x96", "U256", "", true],
      ["liquidity", "U128", "", true],
      ["tick", "I32", "", true],
      ["levels", "Text", "", true],
      ["taker_fee_ppm", "U32", "", true],
      ["lot_size", "Text", "", true],
      ["called", "Address", "", true],
      ["extra", "Text", "", true],
    ],
  },
  opportunity_autopsy: {
    meaning: "What became of an opportunity: when it died, who took it, and what it would have paid later.",
    identity: ["chain_id", "opportunity", "block_hash", "sequence"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["sequence", "U64", "", false],
      ["opportunity", "Hash", "", false],
      ["path", "Hash", "", false],
      ["token", "Address", "", false],
      ["hop_count", "U8", "", false],
      ["cause", "Name", "", false],
      ["born_block_number", "U64", "", false],
      ["born_block_hash", "Hash", "", false],
      ["born_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["followed_blocks", "U32", "", false],
      ["followed_ns", "U64", "", false],
      ["died_block_number", "U64", "", true],
      ["taker_tx_hash", "Hash", "", true],
      ["taker_tx_index", "U32", "", true],
      ["taker_tx_count", "U32", "", true],
      ["taker_sender", "Address", "", true],
      ["taker_recipient", "Address", "", true],
      ["taken_token", "Address", "", true],
      ["taken", "U256", "", true],
      ["sent_gross_0", "I256", "", true],
      ["sent_gross_1", "I256", "", true],
      ["sent_gross_2", "I256", "", true],
      ["sent_net_0", "I256", "", true],
      ["sent_net_1", "I256", "", true],
      ["sent_net_2", "I256", "", true],
      ["best_gross_0", "U256", "", true],
      ["best_gross_1", "U256", "", true],
      ["best_gross_2", "U256", "", true],
      ["best_net_0", "U256", "", true],
      ["best_net_1", "U256", "", true],
      ["best_net_2", "U256", "", true],
    ],
  },
};
