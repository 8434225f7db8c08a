/** Go from place to place: the address is the state, so that every view can be linked and gone back to. */

import { signal } from "@preact/signals";
import { hashOf, placeOf, type Place } from "./place";

export const VIEWS = [
  "now",
  "coverage",
  "pools",
  "books",
  "opportunities",
  "arbitrages",
  "whales",
  "execution",
  "exports",
  "data",
] as const;
export type View = (typeof VIEWS)[number];

export const place = signal<Place>(placeOf(location.hash, VIEWS));

addEventListener("hashchange", () => (place.value = placeOf(location.hash, VIEWS)));

/** What is chosen in this view now; undefined takes a choice back. */
export function choose(changes: Readonly<Record<string, string | undefined>>): void {
  const { view, chosen } = place.value;
  const merged = Object.entries({ ...chosen, ...changes }).filter(([, value]) => value !== undefined);
  location.hash = hashOf({ view, chosen: Object.fromEntries(merged) as Record<string, string> });
}
