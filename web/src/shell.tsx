/** What surrounds every view: where one may go, who one is, and whether what is shown is still true. */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { learnCaller } from "./api";
import { Fault } from "./api";
import { choose, place, VIEWS, type View } from "./going";
import { connection, heard_ms, now_ms } from "./live";
import { LASTS, USUAL_LAST } from "./place";
import { theme, zone, type Theme } from "./preferences";
import { caller, logIn, logOut, may, refusal, type Role } from "./session";
import { age, shown } from "./times";

/** The least role that sees a view. */
const NEEDED: Readonly<Partial<Record<View, Role>>> = { exports: "analyst" };

export function visibleViews(): readonly View[] {
  return VIEWS.filter((view) => may(NEEDED[view] ?? "viewer"));
}

export function titleOf(view: string): string {
  return view.charAt(0).toUpperCase() + view.slice(1);
}

export function Shell({ children }: { children: ComponentChildren }): JSX.Element {
  const at = place.value.view;
  useEffect(() => {
    // on a phone not all of them have room
    document.querySelector("nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [at]);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        to the content
      </a>
      <header>
        <strong class="brand">tidemill</strong>
        <Connection />
        <span class="spring" />
        <ZoneSwitch />
        <ThemeSwitch />
        <Who />
      </header>
      <nav aria-label="views">
        {visibleViews().map((view) => (
          <a key={view} href={`#/${view}`} aria-current={view === at ? "page" : undefined}>
            {titleOf(view)}
          </a>
        ))}
      </nav>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function skip(event: Event): void {
  event.preventDefault(); // the address has the view, and no element's name
  document.getElementById("main")?.focus();
}

const SAID = {
  live: "live",
  connecting: "connecting …",
  lost: "connection lost",
  resting: "resting: the tab is hidden",
};

function Connection(): JSX.Element {
  const state = connection.value;
  const since = heard_ms.value;
  const old = since === null ? "nothing heard yet" : `data ${age(now_ms.value - since)} old`;
  return (
    <span class={`connection ${state}`} data-state={state}>
      <span role="status">{SAID[state]}</span>
      <span class="soft"> {old}</span>
    </span>
  );
}

function ZoneSwitch(): JSX.Element {
  const other = zone.value === "UTC" ? "local" : "UTC";
  const name =
    zone.value === "UTC" ? "UTC" : `local time (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
  return (
    <button type="button" title={`times are in ${name}; show ${other}`} onClick={() => (zone.value = other)}>
      times: {name}
    </button>
  );
}

const THEMES: readonly Theme[] = ["system", "light", "dark"];

function ThemeSwitch(): JSX.Element {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
  return (
    <button type="button" title={`show ${next}`} onClick={() => (theme.value = next)}>
      theme: {theme.value}
    </button>
  );
}

function Who(): JSX.Element | null {
  const known = caller.value;
  if (known === null || known.by === "nothing") return null;
  return (
    <>
      <span class="soft">
        {known.name} · {known.role}
      </span>
      <button type="button" onClick={() => logOut("you logged out")}>
        log out
      </button>
    </>
  );
}

/** Asks for a key or a token; it is sent with each request, and kept until the tab is closed. */
export function Login(): JSX.Element {
  const [key, type] = useState("");
  const [isAsking, wait] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    wait(true);
    logIn(key.trim());
    try {
      await learnCaller();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.status !== 401) refusal.value = error.message;
    }
    wait(false);
  };
  return (
    <main class="login">
      <h1>tidemill</h1>
      <form onSubmit={submit}>
        <label for="key">API key or token</label>
        <input
          id="key"
          type="password"
          autocomplete="off"
          required
          value={key}
          onInput={(event) => type(event.currentTarget.value)}
        />
        <button type="submit" disabled={isAsking}>
          log in
        </button>
      </form>
      {refusal.value !== null && (
        <p role="alert" class="bad">
          {refusal.value}
        </p>
      )}
      <p class="soft">
        <code>tidemill keys create</code> makes a key. It is kept in this tab until you close it.
      </p>
    </main>
  );
}

/** Which time a view shows: the last so long, going on, or between two moments. */
export function RangePicker(): JSX.Element {
  const { start, end, last } = place.value.chosen;
  if (start && end) {
    return (
      <span class="range">
        {shown(start, zone.value)} to {shown(end, zone.value)} {zone.value}{" "}
        <button type="button" onClick={() => choose({ start: undefined, end: undefined })}>
          live again
        </button>
      </span>
    );
  }
  const chosen = last ?? USUAL_LAST;
  const hold = () => {
    const to_ms = Date.now();
    const from_ms = to_ms - (LASTS[chosen] ?? 3600) * 1000;
    choose({ start: `${BigInt(from_ms) * 1_000_000n}`, end: `${BigInt(to_ms) * 1_000_000n}` });
  };
  return (
    <span class="range">
      <label>
        time range{" "}
        <select value={chosen} onChange={(event) => choose({ last: event.currentTarget.value })}>
          {Object.keys(LASTS).map((name) => (
            <option key={name} value={name}>
              last {name}
            </option>
          ))}
        </select>
      </label>{" "}
      <button type="button" title="this range in the address, which does not go on" onClick={hold}>
        hold
      </button>
    </span>
  );
}

export function Heading({ name, children }: { name: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="heading">
      <h1>{name}</h1>
      <RangePicker />
      {children}
    </div>
  );
}

export function Refused({ fault }: { fault: Fault | null }): JSX.Element | null {
  return fault === null ? null : (
    <p role="alert" class="bad">
      {fault.message}
    </p>
  );
}
