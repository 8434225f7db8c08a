/** Begin: learn who asks, then show the view that the address names. */

import { effect } from "@preact/signals";
import { render, type ComponentType, type JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Fault, learnCaller } from "./api";
import { place, type View } from "./going";
import { watchHealth } from "./live";
import "./preferences";
import { caller, refusal, secret } from "./session";
import { Login, Shell, titleOf, visibleViews } from "./shell";
import { learnTokens } from "./tokens";
import { Arbitrages } from "./views/arbitrages";
import { Books } from "./views/books";
import { Coverage } from "./views/coverage";
import { Data } from "./views/data";
import { Execution } from "./views/execution";
import { Exports } from "./views/exports";
import { Now } from "./views/now";
import { Opportunities } from "./views/opportunities";
import { Pools } from "./views/pools";
import { Whales } from "./views/whales";

const TOKENS_EVERY_MS = 60_000;
const AGAIN_MS = 2_000;

const SHOWN: Readonly<Record<View, ComponentType>> = {
  now: Now,
  coverage: Coverage,
  pools: Pools,
  books: Books,
  opportunities: Opportunities,
  arbitrages: Arbitrages,
  whales: Whales,
  execution: Execution,
  exports: Exports,
  data: Data,
};

function Page(): JSX.Element {
  const known = caller.value;
  useEffect(() => {
    if (known === null) return undefined;
    const endWatch = watchHealth();
    const learn = () => {
      if (!document.hidden) void learnTokens().catch(() => undefined);
    };
    learn();
    const every = setInterval(learn, TOKENS_EVERY_MS);
    return () => {
      endWatch();
      clearInterval(every);
    };
  }, [known]);
  if (known === null) return refusal.value === null ? <p class="first">connecting …</p> : <Login />;
  const view = place.value.view as View;
  const Seen = SHOWN[view];
  return (
    <Shell>
      {visibleViews().includes(view) ? <Seen key={view} /> : <p>Your role does not show this view.</p>}
    </Shell>
  );
}

/** Ask who we are until tidemill answers; who is not known has to log in. */
async function begin(): Promise<void> {
  try {
    await learnCaller();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.status === 401) {
      if (secret() === null) refusal.value = null;
      refusal.value ??= "";
      return;
    }
    setTimeout(() => void begin(), AGAIN_MS);
  }
}

effect(() => {
  document.title = `${titleOf(place.value.view)} · tidemill`;
});
const root = document.getElementById("page");
if (root !== null) {
  root.replaceChildren();
  render(<Page />, root);
}
void begin();
