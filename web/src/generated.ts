// Every event's fields. Written by `make generate`; do not edit.

/** A point in time, ns since 1970: too long for a number. */
export type Nanos = string;
/** Digits, perhaps with a point: exact. */
export type Exact = string;
/** A whole number; text where a number would round it. */
export type Integer = number | string;
/** Name, logical type, unit, whether it may be absent. */
export type Column = readonly [string, string, string, boolean];
/** What there is to know of a kind of event. */
export interface Kind {
  readonly meaning: string;
  readonly identity: readonly string[];
  readonly columns: readonly Column[];
}

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

export interface Coverage {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  from_block: Integer;
  to_block: Integer;
  status: "complete" | "gap" | "repaired";
  proof: "none" | "claimed" | "bloom" | "receipts_root" | "agreed";
  log_count: Integer;
  cause: string;
}

export interface Health {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  endpoint: string;
  state: "connecting" | "live" | "leading" | "polling" | "stale" | "down" | "refused";
  detail: string;
}

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

export interface Execution {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  execution_id: string;
  sequence: number;
  mode: "PAPER" | "LIVE";
  state: "received" | "refused" | "simulated" | "failed" | "signed" | "sent" | "included" | "final" | "reorged" | "dropped" | "replaced" | "unknown" | "paper_pending" | "paper_filled" | "paper_missed";
  signal_digest: string;
  idempotency_key: string | null;
  token: string;
  amount: Exact;
  loan_source: "own_funds" | "balancer_v3" | "aave_v3" | "balancer_v2" | "uniswap_v3" | "uniswap_v2" | "morpho" | "uniswap_v4";
  route: string;
  expected_profit_usd: number | null;
  simulated_profit: Exact | null;
  simulated_block: Integer | null;
  first_profit: Exact | null;
  last_profit: Exact | null;
  realised_profit: Exact | null;
  simulated_profit_usd: number | null;
  realised_profit_usd: number | null;
  gas_used: Integer | null;
  effective_gas_price_wei: Exact | null;
  fee_wei: Exact | null;
  tx_hash: string | null;
  nonce: Integer | null;
  block_number: Integer | null;
  block_hash: string | null;
  reason: string | null;
}

export interface Decision {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  opportunity: string;
  sequence: number;
  mode: "PAPER" | "LIVE";
  state: "refused" | "chosen" | "answered" | "declined" | "unanswered";
  reason: string;
  idempotency_key: string;
  net_profit_usd: number | null;
  expected_profit_usd: number | null;
  min_profit: Exact | null;
  risk_score: number | null;
  gas_trend: string | null;
  gas_forecast_gwei: number | null;
  gas_high_gwei: number | null;
  predictor: string | null;
  market_state: string | null;
  slippage_percent: number | null;
  priority_fee_gwei: number | null;
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
  coverage: {
    meaning: "A range of blocks of one source, and what is known of its completeness.",
    identity: ["source", "connection", "sequence"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["from_block", "U64", "", false],
      ["to_block", "U64", "", false],
      ["status", "Name", "", false],
      ["proof", "Name", "", false],
      ["log_count", "U64", "", false],
      ["cause", "Text", "", false],
    ],
  },
  health: {
    meaning: "A connection changed its state.",
    identity: ["source", "connection", "sequence"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["endpoint", "Text", "", false],
      ["state", "Name", "", false],
      ["detail", "Text", "", false],
    ],
  },
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
  execution: {
    meaning: "A trade came into a state; its last event says where it is now. Amounts are raw units of `token`.",
    identity: ["execution_id", "sequence"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["execution_id", "Hash", "", false],
      ["sequence", "U32", "", false],
      ["mode", "Name", "", false],
      ["state", "Name", "", false],
      ["signal_digest", "Hash", "", false],
      ["idempotency_key", "Text", "", true],
      ["token", "Address", "", false],
      ["amount", "U256", "", false],
      ["loan_source", "Name", "", false],
      ["route", "Text", "", false],
      ["expected_profit_usd", "F64", "US dollars", true],
      ["simulated_profit", "I256", "", true],
      ["simulated_block", "U64", "", true],
      ["first_profit", "I256", "", true],
      ["last_profit", "I256", "", true],
      ["realised_profit", "I256", "", true],
      ["simulated_profit_usd", "F64", "US dollars", true],
      ["realised_profit_usd", "F64", "US dollars", true],
      ["gas_used", "U64", "", true],
      ["effective_gas_price_wei", "U256", "", true],
      ["fee_wei", "U256", "", true],
      ["tx_hash", "Hash", "", true],
      ["nonce", "U64", "", true],
      ["block_number", "U64", "", true],
      ["block_hash", "Hash", "", true],
      ["reason", "Text", "", true],
    ],
  },
  decision: {
    meaning: "An opportunity was judged, or an answer came; the last event of an opportunity says where it is.",
    identity: ["chain_id", "opportunity", "mode", "sequence"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["opportunity", "Hash", "", false],
      ["sequence", "U8", "", false],
      ["mode", "Name", "", false],
      ["state", "Name", "", false],
      ["reason", "Text", "", false],
      ["idempotency_key", "Text", "", false],
      ["net_profit_usd", "F64", "US dollars", true],
      ["expected_profit_usd", "F64", "US dollars", true],
      ["min_profit", "I256", "", true],
      ["risk_score", "F64", "", true],
      ["gas_trend", "Name", "", true],
      ["gas_forecast_gwei", "F64", "", true],
      ["gas_high_gwei", "F64", "", true],
      ["predictor", "Name", "", true],
      ["market_state", "Name", "", true],
      ["slippage_percent", "F64", "", true],
      ["priority_fee_gwei", "F64", "", true],
    ],
  },
};
