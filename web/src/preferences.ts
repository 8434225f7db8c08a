/** What a reader chose for this browser: the clock's zone, and light or dark. */

import { computed, effect, signal } from "@preact/signals";
import type { Zone } from "./times";

export type Theme = "system" | "light" | "dark";

const ZONE = "tidemill.zone";
const THEME = "tidemill.theme";

export const zone = signal<Zone>(localStorage.getItem(ZONE) === "local" ? "local" : "UTC");
export const theme = signal<Theme>((localStorage.getItem(THEME) as Theme | null) ?? "system");
const darkness = matchMedia("(prefers-color-scheme: dark)");
const isSystemDark = signal(darkness.matches);
darkness.addEventListener("change", (now) => (isSystemDark.value = now.matches));
/** Which of the two is seen: charts are drawn anew when it changes. */
export const isDark = computed(() =>
  theme.value === "system" ? isSystemDark.value : theme.value === "dark",
);

effect(() => localStorage.setItem(ZONE, zone.value));
effect(() => {
  localStorage.setItem(THEME, theme.value);
  document.documentElement.dataset["theme"] = theme.value;
});
