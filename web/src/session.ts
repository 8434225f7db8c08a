/** Who is logged in: the key or token lies in this tab's session storage alone, and in no address. */

import { signal } from "@preact/signals";

const KEPT_AS = "tidemill.key";
const ROLES = ["viewer", "analyst", "trader", "admin"] as const;

export type Role = (typeof ROLES)[number];

/** As `GET /auth/caller` tells it. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  readonly by: "key" | "token" | "nothing";
  readonly expires_s: number | null;
}

/** Null until it is known; what is not allowed is not shown. */
export const caller = signal<Caller | null>(null);
/** Why one has to log in; null where nothing was refused. */
export const refusal = signal<string | null>(null);

export function secret(): string | null {
  return sessionStorage.getItem(KEPT_AS);
}

export function logIn(key: string): void {
  sessionStorage.setItem(KEPT_AS, key);
  refusal.value = null;
}

export function logOut(why: string): void {
  sessionStorage.removeItem(KEPT_AS);
  caller.value = null;
  refusal.value = why;
}

export function may(needed: Role): boolean {
  const has = caller.value;
  return has !== null && ROLES.indexOf(has.role) >= ROLES.indexOf(needed);
}
