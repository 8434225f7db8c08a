/** Where one is on the page, all of it in the address: view, time range, and what is chosen there. */

export interface Place {
  readonly view: string;
  readonly chosen: Readonly<Record<string, string>>;
}

/** The last so long, which goes on; or between two moments, ns since 1970, which does not. */
export type Range = { readonly last_s: number } | { readonly start: string; readonly end: string };

export const LASTS: Readonly<Record<string, number>> = {
  "5m": 300,
  "15m": 900,
  "1h": 3600,
  "6h": 21_600,
  "24h": 86_400,
  "7d": 604_800,
  "30d": 2_592_000,
};
export const USUAL_LAST = "1h";

/** Read `#/view?name=value`; what cannot be read is the first view. */
export function placeOf(hash: string, views: readonly string[]): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const view = views.includes(path) ? path : (views[0] ?? "");
  return { view, chosen: Object.fromEntries(new URLSearchParams(query)) };
}

export function hashOf(place: Place): string {
  const query = new URLSearchParams(place.chosen).toString();
  return `#/${place.view}${query ? `?${query}` : ""}`;
}

export function rangeOf(chosen: Place["chosen"]): Range {
  const { start, end, last } = chosen;
  if (start && end && /^\d+$/.test(start) && /^\d+$/.test(end)) return { start, end };
  return { last_s: LASTS[last ?? USUAL_LAST] ?? LASTS[USUAL_LAST]! };
}

/** A range as routes are asked for it; the last so long is counted from now. */
export function between(range: Range): { start: string; end: string | undefined } {
  if ("start" in range) return range;
  return { start: `${BigInt(Date.now() - range.last_s * 1000) * 1_000_000n}`, end: undefined };
}
