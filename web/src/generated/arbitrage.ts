// Every event's fields. Written by `make generate`; do not edit.

import type { Exact, Integer, Kind, Nanos } from "./types";

export interface Arbitrage {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  block_hash: string;
  tx_hash: string;
  tx_index: number;
  kind: "arbitrage" | "losing_circle" | "failed_arbitrage";
  shape: "chain" | "network" | null;
  sandwich_role: "front" | "back" | "victim" | null;
  sender: string | null;
  contract: string | null;
  account: string | null;
  circle_count: number;
  hop_count: number;
  protocols: string;
  pools: string;
  tokens: string;
  token: string | null;
  amount_in: Exact | null;
  amount_out: Exact | null;
  profit: Exact | null;
  gains: string | null;
  loan_source: string | null;
  loan_token: string | null;
  loan_amount: Exact | null;
  loan_fee: Exact | null;
  gas_used: Integer | null;
  gas_price_wei: Exact | null;
  base_fee_wei: Exact | null;
  priority_fee_wei: Exact | null;
  gas_cost_wei: Exact | null;
  tip_wei: Exact | null;
  profit_native_wei: Exact | null;
  net_profit_native_wei: Exact | null;
  profit_usd: number | null;
  net_profit_usd: number | null;
  confidence: number | null;
}

export interface ArbitrageTransaction {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  block_hash: string;
  tx_hash: string;
  tx_index: number;
  kind: "arbitrage" | "losing_circle" | "failed_arbitrage";
  shape: "chain" | "network" | null;
  sandwich_role: "front" | "back" | "victim" | null;
  sender: string | null;
  contract: string | null;
  account: string | null;
  circle_count: number;
  hop_count: number;
  protocols: string;
  pools: string;
  tokens: string;
  token: string | null;
  amount_in: Exact | null;
  amount_out: Exact | null;
  profit: Exact | null;
  gains: string | null;
  loan_source: string | null;
  loan_token: string | null;
  loan_amount: Exact | null;
  loan_fee: Exact | null;
  gas_used: Integer | null;
  gas_price_wei: Exact | null;
  base_fee_wei: Exact | null;
  priority_fee_wei: Exact | null;
  gas_cost_wei: Exact | null;
  tip_wei: Exact | null;
  profit_native_wei: Exact | null;
  net_profit_native_wei: Exact | null;
  profit_usd: number | null;
  net_profit_usd: number | null;
  confidence: number | null;
  edge_bps: number | null;
  pool_spread_bps: number | null;
  entry_volatility_5s: number | null;
  entry_volatility_1m: number | null;
  entry_volatility_5m: number | null;
  entry_volatility_24h: number | null;
  exit_volatility_5s: number | null;
  exit_volatility_1m: number | null;
  exit_volatility_5m: number | null;
  exit_volatility_24h: number | null;
  entry_range_bps_1m: number | null;
  entry_range_bps_5m: number | null;
  entry_range_bps_24h: number | null;
  entry_return_1m: number | null;
  entry_return_5m: number | null;
  entry_return_24h: number | null;
  entry_rsi_1m: number | null;
  entry_rsi_5m: number | null;
  entry_rsi_24h: number | null;
  entry_bollinger_position_5m: number | null;
  entry_bollinger_position_24h: number | null;
  entry_bollinger_width_5m: number | null;
  entry_bollinger_width_24h: number | null;
  entry_vwap_gap_bps_1m: number | null;
  entry_vwap_gap_bps_5m: number | null;
  entry_vwap_gap_bps_24h: number | null;
  entry_swaps_5s: number | null;
  entry_swaps_1m: number | null;
  entry_swaps_5m: number | null;
  entry_swaps_24h: number | null;
  exit_swaps_1m: number | null;
  exit_swaps_5m: number | null;
  exit_swaps_24h: number | null;
  entry_flow_imbalance_1m: number | null;
  entry_flow_imbalance_5m: number | null;
  entry_flow_imbalance_24h: number | null;
  exit_flow_imbalance_1m: number | null;
  exit_flow_imbalance_5m: number | null;
  exit_flow_imbalance_24h: number | null;
  entry_volume_change_1m: number | null;
  entry_volume_change_5m: number | null;
  entry_size_spread_5m: number | null;
  entry_size_spread_24h: number | null;
  entry_size_tail_24h: number | null;
  depth_imbalance: number | null;
  entry_depth_change_5m: number | null;
  entry_depth_change_24h: number | null;
  entry_turnover_24h: number | null;
  base_fee_gwei: number | null;
  gas_price_gwei: number | null;
  priority_fee_gwei: number | null;
  block_position: number | null;
  base_fee_trend_1m: number | null;
  base_fee_trend_5m: number | null;
  base_fee_trend_24h: number | null;
  base_fee_relative_5m: number | null;
  base_fee_relative_24h: number | null;
  base_fee_spread_5m: number | null;
  parent_fullness: number | null;
  congestion_1m: number | null;
  congestion_5m: number | null;
  congestion_24h: number | null;
  blocks_1m: number | null;
  blocks_5m: number | null;
  block_interval_5m_s: number | null;
  block_interval_rms_5m_s: number | null;
  priority_fee_relative_1m: number | null;
  priority_fee_relative_5m: number | null;
  priority_fee_relative_24h: number | null;
  rivals_priority_fee_median_gwei_5m: number | null;
  rivals_priority_fee_median_gwei_24h: number | null;
  rivals_priority_fee_p90_5m_gwei: number | null;
  failure_rate_5m: number | null;
  failure_rate_24h: number | null;
  pool_failure_rate_24h: number | null;
  sandwich_probability: number | null;
  impermanent_loss_5m: number | null;
  impermanent_loss_24h: number | null;
  loss_versus_rebalancing_5m: number | null;
  loss_versus_rebalancing_24h: number | null;
  token_failure_rate_24h: number | null;
  unexplained: number | null;
  token_risk: number | null;
  competition_risk: number | null;
  execution_risk: number | null;
  risk_score: number | null;
  risk_parts: number | null;
  bid_share: number | null;
  bid_native: number | null;
  rivals_5s: number | null;
  rivals_1m: number | null;
  rivals_5m: number | null;
  rivals_24h: number | null;
  pool_rivals_1m: number | null;
  pool_rivals_5m: number | null;
  pool_rivals_24h: number | null;
  route_rivals_5m: number | null;
  route_rivals_24h: number | null;
  searcher_share_5m: number | null;
  searcher_share_24h: number | null;
  searcher_failure_rate_24h: number | null;
  rivals_bid_share_5m: number | null;
  rivals_bid_share_24h: number | null;
  profit_relative_5m: number | null;
  profit_relative_24h: number | null;
  gas_relative_24h: number | null;
}

export interface OpportunityRisk {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  block_hash: string;
  opportunity: string;
  known_block_number: Integer | null;
  sandwich_probability: number | null;
  impermanent_loss_24h: number | null;
  token_risk: number | null;
  competition_risk: number | null;
  execution_risk: number | null;
  risk_score: number | null;
  risk_parts: number;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  arbitrage: {
    meaning: "One transaction that swapped in a circle: what it paid, what it gained, what it cost.",
    identity: ["chain_id", "block_hash", "tx_hash"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["tx_hash", "Text", "", false],
      ["tx_index", "U32", "", false],
      ["kind", "Name", "", false],
      ["shape", "Name", "", true],
      ["sandwich_role", "Name", "", true],
      ["sender", "Text", "", true],
      ["contract", "Text", "", true],
      ["account", "Text", "", true],
      ["circle_count", "U32", "", false],
      ["hop_count", "U32", "", false],
      ["protocols", "Text", "", false],
      ["pools", "Text", "", false],
      ["tokens", "Text", "", false],
      ["token", "Text", "", true],
      ["amount_in", "U256", "", true],
      ["amount_out", "U256", "", true],
      ["profit", "I256", "", true],
      ["gains", "Text", "", true],
      ["loan_source", "Text", "", true],
      ["loan_token", "Text", "", true],
      ["loan_amount", "U256", "", true],
      ["loan_fee", "U256", "", true],
      ["gas_used", "U64", "", true],
      ["gas_price_wei", "U256", "", true],
      ["base_fee_wei", "U256", "", true],
      ["priority_fee_wei", "U256", "", true],
      ["gas_cost_wei", "U256", "", true],
      ["tip_wei", "U256", "", true],
      ["profit_native_wei", "I256", "", true],
      ["net_profit_native_wei", "I256", "", true],
      ["profit_usd", "F64", "US dollars", true],
      ["net_profit_usd", "F64", "US dollars", true],
      ["confidence", "F64", "", true],
    ],
  },
  arbitrage_transaction: {
    meaning: "One transaction that swapped in a circle, with every feature that is declared in `tidemill.schema.features`.",
    identity: ["chain_id", "block_hash", "tx_hash"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["tx_hash", "Text", "", false],
      ["tx_index", "U32", "", false],
      ["kind", "Name", "", false],
      ["shape", "Name", "", true],
      ["sandwich_role", "Name", "", true],
      ["sender", "Text", "", true],
      ["contract", "Text", "", true],
      ["account", "Text", "", true],
      ["circle_count", "U32", "", false],
      ["hop_count", "U32", "", false],
      ["protocols", "Text", "", false],
      ["pools", "Text", "", false],
      ["tokens", "Text", "", false],
      ["token", "Text", "", true],
      ["amount_in", "U256", "", true],
      ["amount_out", "U256", "", true],
      ["profit", "I256", "", true],
      ["gains", "Text", "", true],
      ["loan_source", "Text", "", true],
      ["loan_token", "Text", "", true],
      ["loan_amount", "U256", "", true],
      ["loan_fee", "U256", "", true],
      ["gas_used", "U64", "", true],
      ["gas_price_wei", "U256", "", true],
      ["base_fee_wei", "U256", "", true],
      ["priority_fee_wei", "U256", "", true],
      ["gas_cost_wei", "U256", "", true],
      ["tip_wei", "U256", "", true],
      ["profit_native_wei", "I256", "", true],
      ["net_profit_native_wei", "I256", "", true],
      ["profit_usd", "F64", "US dollars", true],
      ["net_profit_usd", "F64", "US dollars", true],
      ["confidence", "F64", "", true],
      ["edge_bps", "F64", "0.01%", true],
      ["pool_spread_bps", "F64", "0.01%", true],
      ["entry_volatility_5s", "F64", "1", true],
      ["entry_volatility_1m", "F64", "1", true],
      ["entry_volatility_5m", "F64", "1", true],
      ["entry_volatility_24h", "F64", "1", true],
      ["exit_volatility_5s", "F64", "1", true],
      ["exit_volatility_1m", "F64", "1", true],
      ["exit_volatility_5m", "F64", "1", true],
      ["exit_volatility_24h", "F64", "1", true],
      ["entry_range_bps_1m", "F64", "0.01%", true],
      ["entry_range_bps_5m", "F64", "0.01%", true],
      ["entry_range_bps_24h", "F64", "0.01%", true],
      ["entry_return_1m", "F64", "1", true],
      ["entry_return_5m", "F64", "1", true],
      ["entry_return_24h", "F64", "1", true],
      ["entry_rsi_1m", "F64", "1", true],
      ["entry_rsi_5m", "F64", "1", true],
      ["entry_rsi_24h", "F64", "1", true],
      ["entry_bollinger_position_5m", "F64", "1", true],
      ["entry_bollinger_position_24h", "F64", "1", true],
      ["entry_bollinger_width_5m", "F64", "1", true],
      ["entry_bollinger_width_24h", "F64", "1", true],
      ["entry_vwap_gap_bps_1m", "F64", "0.01%", true],
      ["entry_vwap_gap_bps_5m", "F64", "0.01%", true],
      ["entry_vwap_gap_bps_24h", "F64", "0.01%", true],
      ["entry_swaps_5s", "F64", "swaps", true],
      ["entry_swaps_1m", "F64", "swaps", true],
      ["entry_swaps_5m", "F64", "swaps", true],
      ["entry_swaps_24h", "F64", "swaps", true],
      ["exit_swaps_1m", "F64", "swaps", true],
      ["exit_swaps_5m", "F64", "swaps", true],
      ["exit_swaps_24h", "F64", "swaps", true],
      ["entry_flow_imbalance_1m", "F64", "1", true],
      ["entry_flow_imbalance_5m", "F64", "1", true],
      ["entry_flow_imbalance_24h", "F64", "1", true],
      ["exit_flow_imbalance_1m", "F64", "1", true],
      ["exit_flow_imbalance_5m", "F64", "1", true],
      ["exit_flow_imbalance_24h", "F64", "1", true],
      ["entry_volume_change_1m", "F64", "1", true],
      ["entry_volume_change_5m", "F64", "1", true],
      ["entry_size_spread_5m", "F64", "1", true],
      ["entry_size_spread_24h", "F64", "1", true],
      ["entry_size_tail_24h", "F64", "1", true],
      ["depth_imbalance", "F64", "1", true],
      ["entry_depth_change_5m", "F64", "1", true],
      ["entry_depth_change_24h", "F64", "1", true],
      ["entry_turnover_24h", "F64", "1", true],
      ["base_fee_gwei", "F64", "1e9 wei a gas", true],
      ["gas_price_gwei", "F64", "1e9 wei a gas", true],
      ["priority_fee_gwei", "F64", "1e9 wei a gas", true],
      ["block_position", "F64", "1", true],
      ["base_fee_trend_1m", "F64", "1", true],
      ["base_fee_trend_5m", "F64", "1", true],
      ["base_fee_trend_24h", "F64", "1", true],
      ["base_fee_relative_5m", "F64", "1", true],
      ["base_fee_relative_24h", "F64", "1", true],
      ["base_fee_spread_5m", "F64", "1", true],
      ["parent_fullness", "F64", "1", true],
      ["congestion_1m", "F64", "1", true],
      ["congestion_5m", "F64", "1", true],
      ["congestion_24h", "F64", "1", true],
      ["blocks_1m", "F64", "blocks", true],
      ["blocks_5m", "F64", "blocks", true],
      ["block_interval_5m_s", "F64", "s", true],
      ["block_interval_rms_5m_s", "F64", "s", true],
      ["priority_fee_relative_1m", "F64", "1", true],
      ["priority_fee_relative_5m", "F64", "1", true],
      ["priority_fee_relative_24h", "F64", "1", true],
      ["rivals_priority_fee_median_gwei_5m", "F64", "1e9 wei a gas", true],
      ["rivals_priority_fee_median_gwei_24h", "F64", "1e9 wei a gas", true],
      ["rivals_priority_fee_p90_5m_gwei", "F64", "1e9 wei a gas", true],
      ["failure_rate_5m", "F64", "1", true],
      ["failure_rate_24h", "F64", "1", true],
      ["pool_failure_rate_24h", "F64", "1", true],
      ["sandwich_probability", "F64", "1", true],
      ["impermanent_loss_5m", "F64", "1", true],
      ["impermanent_loss_24h", "F64", "1", true],
      ["loss_versus_rebalancing_5m", "F64", "1", true],
      ["loss_versus_rebalancing_24h", "F64", "1", true],
      ["token_failure_rate_24h", "F64", "1", true],
      ["unexplained", "F64", "1", true],
      ["token_risk", "F64", "1", true],
      ["competition_risk", "F64", "1", true],
      ["execution_risk", "F64", "1", true],
      ["risk_score", "F64", "1", true],
      ["risk_parts", "F64", "1", true],
      ["bid_share", "F64", "1", true],
      ["bid_native", "F64", "native coins", true],
      ["rivals_5s", "F64", "transactions", true],
      ["rivals_1m", "F64", "transactions", true],
      ["rivals_5m", "F64", "transactions", true],
      ["rivals_24h", "F64", "transactions", true],
      ["pool_rivals_1m", "F64", "transactions", true],
      ["pool_rivals_5m", "F64", "transactions", true],
      ["pool_rivals_24h", "F64", "transactions", true],
      ["route_rivals_5m", "F64", "transactions", true],
      ["route_rivals_24h", "F64", "transactions", true],
      ["searcher_share_5m", "F64", "1", true],
      ["searcher_share_24h", "F64", "1", true],
      ["searcher_failure_rate_24h", "F64", "1", true],
      ["rivals_bid_share_5m", "F64", "1", true],
      ["rivals_bid_share_24h", "F64", "1", true],
      ["profit_relative_5m", "F64", "1", true],
      ["profit_relative_24h", "F64", "1", true],
      ["gas_relative_24h", "F64", "1", true],
    ],
  },
  opportunity_risk: {
    meaning: "What can go wrong with an opportunity, by what happened to arbitrages through the same pools before.",
    identity: ["chain_id", "opportunity"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["block_hash", "Hash", "", false],
      ["opportunity", "Hash", "", false],
      ["known_block_number", "U64", "", true],
      ["sandwich_probability", "F64", "", true],
      ["impermanent_loss_24h", "F64", "", true],
      ["token_risk", "F64", "", true],
      ["competition_risk", "F64", "", true],
      ["execution_risk", "F64", "", true],
      ["risk_score", "F64", "", true],
      ["risk_parts", "U8", "", false],
    ],
  },
};
