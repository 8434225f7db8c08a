/** Moments in ns since 1970, shown in UTC or in local time, to the digit that is asked for. */

const NS_PER_MS = 1_000_000n;

export type Zone = "UTC" | "local";

/** `2026-03-02 10:15:07.123`, and the nanoseconds where `isWhole`. */
export function shown(ns: string, zone: Zone, isWhole = false): string {
  const whole = BigInt(ns);
  const at = new Date(Number(whole / NS_PER_MS));
  const day = zone === "UTC" ? at : new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  const text = day.toISOString().replace("T", " ").replace("Z", "");
  return isWhole ? text + (whole % NS_PER_MS).toString().padStart(6, "0") : text;
}

export function msOf(ns: string): number {
  return Number(BigInt(ns) / NS_PER_MS);
}

export function nsOf(ms: number): string {
  return (BigInt(Math.floor(ms)) * NS_PER_MS).toString();
}

/** `3 s`, `5 min`, `2 h`: how old something is. */
export function age(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 120) return `${s} s`;
  return s < 7200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
}
