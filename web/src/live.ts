/** Is what is on the screen still true: the state of all streams, the program's health, and the age of both. */

import { computed, signal } from "@preact/signals";
import { ask, fetched } from "./api";
import { Fault } from "./api";
import { caller } from "./session";
import { queryOf, type Params } from "./api";
import type { StreamState, World } from "./stream";

/** As `GET /health` tells it. */
export interface Health {
  readonly status: "healthy" | "degraded" | "unhealthy";
  readonly services: Readonly<Record<string, "up" | "down">>;
  readonly metrics: {
    readonly transactions_per_second: number | null;
    readonly avg_latency_ms: number | null;
    readonly error_rate: number | null;
  };
  /** Whether it only serves what other processes read and store. */
  readonly is_reader: boolean;
}

export const health = signal<Health | null>(null);
/** When tidemill was heard of last, by this machine's clock. */
export const heard_ms = signal<number | null>(null);
export const now_ms = signal(Date.now());
const isAnswering = signal(true);
const streams = signal<ReadonlyMap<object, StreamState>>(new Map());

const HEALTH_EVERY_MS = 5_000;

export const connection = computed<StreamState>(() => {
  const states = [...streams.value.values()];
  if (!isAnswering.value || states.includes("lost")) return "lost";
  if (states.includes("resting")) return "resting";
  return states.includes("connecting") ? "connecting" : "live";
});

export function tellState(stream: object, state: StreamState | null): void {
  const told = new Map(streams.value);
  if (state === null) told.delete(stream);
  else told.set(stream, state);
  streams.value = told;
  if (state === "live") heardNow();
}

export function heardNow(): void {
  heard_ms.value = Date.now();
}

/** Ask for the health now and then, while the tab is seen. Returns what ends it. */
export function watchHealth(): () => void {
  const ask_now = async () => {
    if (document.hidden) return;
    try {
      health.value = await healthNow();
      isAnswering.value = true;
      heardNow();
    } catch {
      isAnswering.value = false;
    }
  };
  const everySecond = setInterval(() => {
    if (!document.hidden) now_ms.value = Date.now();
  }, 1_000);
  const every = setInterval(() => void ask_now(), HEALTH_EVERY_MS);
  document.addEventListener("visibilitychange", ask_now);
  void ask_now();
  return () => {
    clearInterval(everySecond);
    clearInterval(every);
    document.removeEventListener("visibilitychange", ask_now);
  };
}

/** A program that is not well answers with 503, and still says how each service is. */
async function healthNow(): Promise<Health> {
  const answer = await fetch("/health", { signal: AbortSignal.timeout(HEALTH_EVERY_MS) });
  const told = (await answer.json()) as Health;
  if (!told.services) throw new Fault("Unreachable", "expected the health, found none", answer.status);
  return told;
}

/** The browser, as a stream of `topic` sees it. */
export function worldOf(topic: string, params: Params): World {
  return {
    async address(cursor) {
      const ticket =
        caller.value?.by === "nothing"
          ? undefined
          : (await ask<{ ticket: string }>("/auth/ticket", { method: "POST" })).ticket;
      const query = queryOf({ ...params, frame: "batch", cursor: cursor ?? undefined, ticket });
      return `${location.origin.replace(/^http/, "ws")}/ws/${topic}${query}`;
    },
    open: (address) => new WebSocket(address),
    later(ms, then) {
      const timer = setTimeout(then, ms * (0.75 + Math.random() / 2));
      return () => clearTimeout(timer);
    },
    isHidden: () => document.hidden,
  };
}

/** Learn whether what let us in still does. */
export async function checkStillLetIn(): Promise<void> {
  await fetched("/auth/caller").catch(() => undefined);
}
