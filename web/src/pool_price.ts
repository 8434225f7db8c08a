/** What a pool's state says of its price, and its changes of its liquidity; floats, for charts alone. */

import type { Row } from "./rows";

const Q96 = 2 ** 96;

/** Token1 for one token0, in their own units; null where the state says none. */
export function priceOf(state: Row, decimals0: number, decimals1: number): number | null {
  const raw = rawPriceOf(state);
  return raw === null ? null : raw * 10 ** (decimals0 - decimals1);
}

function rawPriceOf({ sqrt_price_x96, reserve0, reserve1 }: Row): number | null {
  if (sqrt_price_x96 != null && sqrt_price_x96 !== "0") return (Number(sqrt_price_x96) / Q96) ** 2;
  if (reserve0 == null || reserve1 == null || String(reserve0) === "0") return null;
  return Number(reserve1) / Number(reserve0);
}

export interface Step {
  readonly tick: number;
  /** From this tick up to the next one. */
  readonly liquidity: bigint;
}

/** How much is offered from each tick on, by the changes that are given. */
export function liquidityByTick(changes: readonly Row[]): Step[] {
  const net = new Map<number, bigint>();
  for (const { kind, liquidity, tick_lower, tick_upper } of changes) {
    if (liquidity == null || tick_lower == null || tick_upper == null) continue;
    const added = kind === "mint" ? BigInt(liquidity) : -BigInt(liquidity);
    net.set(Number(tick_lower), (net.get(Number(tick_lower)) ?? 0n) + added);
    net.set(Number(tick_upper), (net.get(Number(tick_upper)) ?? 0n) - added);
  }
  let total = 0n;
  return [...net]
    .sort(([a], [b]) => a - b)
    .filter(([, change]) => change !== 0n)
    .map(([tick, change]) => ({ tick, liquidity: (total += change) }));
}
