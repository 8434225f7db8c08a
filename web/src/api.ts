/** Ask the data API over HTTP, as any other of its users does. */

import { parseExact } from "./exact_json";
import { caller, logOut, secret, type Caller } from "./session";

/** What the API answers where it cannot: the kind is the remedy. */
export class Fault extends Error {
  constructor(
    readonly kind: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export type Params = Readonly<Record<string, string | number | readonly string[] | undefined>>;

const TIMEOUT_MS = 30_000;

export function queryOf(params: Params): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) query.append(name, String(one));
    }
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

export interface Asked {
  readonly method?: string;
  readonly params?: Params;
  readonly body?: unknown;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  readonly timeout_ms?: number;
}

/** Return the answer's body as it came. Throws: Fault. */
export async function fetched(path: string, asked: Asked = {}): Promise<Response> {
  const key = secret();
  const limit = AbortSignal.timeout(asked.timeout_ms ?? TIMEOUT_MS);
  const headers: Record<string, string> = { Accept: asked.accept ?? "application/json" };
  if (key !== null) headers["Authorization"] = `Bearer ${key}`;
  let answer: Response;
  try {
    answer = await fetch(path + queryOf(asked.params ?? {}), {
      method: asked.method ?? "GET",
      headers,
      signal: asked.signal ? AbortSignal.any([asked.signal, limit]) : limit,
      ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }),
    });
  } catch (error) {
    if (asked.signal?.aborted) throw error;
    throw new Fault("Unreachable", "tidemill does not answer", 0);
  }
  if (answer.ok) return answer;
  const fault = await faultOf(answer);
  if (answer.status === 401) logOut(fault.message);
  throw fault;
}

async function faultOf(answer: Response): Promise<Fault> {
  const text = await answer.text();
  try {
    const told = JSON.parse(text) as { fault?: string; message?: string };
    return new Fault(told.fault ?? "Unreachable", told.message ?? text, answer.status);
  } catch {
    return new Fault("Unreachable", text.slice(0, 200), answer.status);
  }
}

/** Return what is told as JSON, whole numbers exact. Throws: Fault. */
export async function ask<T>(path: string, asked: Asked = {}): Promise<T> {
  const answer = await fetched(path, asked);
  return parseExact(await answer.text()) as T;
}

export interface Page<T> {
  readonly events: T[];
  readonly next: string | null;
}

export function events<T>(kind: string, params: Params, signal?: AbortSignal): Promise<Page<T>> {
  return ask<Page<T>>(`/events/${kind}`, signal ? { params, signal } : { params });
}

export async function sql<T>(query: string, params: Record<string, string> = {}): Promise<T[]> {
  return (await ask<{ rows: T[] }>("/sql", { method: "POST", body: { query, params } })).rows;
}

/** Learn who asks; who is nobody has to log in. */
export async function learnCaller(): Promise<void> {
  caller.value = await ask<Caller>("/auth/caller");
}
