/** Have the book of one instrument in a component: what is stored since its last snapshot, then each change. */

import { useEffect, useRef, useState } from "preact/hooks";
import { events, Fault, type Params } from "./api";
import { Book } from "./book";
import { Filling } from "./filling";
import { checkStillLetIn, heardNow, tellState, worldOf } from "./live";
import type { Row } from "./rows";
import { Stream } from "./stream";

const PAGE_ROWS = 10_000;
const PAGES_MAX = 10;
const SHOW_EVERY_MS = 500;

export interface Kept {
  readonly book: Book;
  readonly fault: Fault | null;
}

export function useBook(source: string, instrument: string): Kept {
  const [, show] = useState(0);
  const kept = useRef<{ book: Book; fault: Fault | null }>({ book: new Book(), fault: null });
  useEffect(() => {
    kept.current = { book: new Book(), fault: null }; // not another instrument's
    const ended = new AbortController();
    /** What came since the beginning, for as long as it is filled again; what is stored by then goes before it. */
    let came: Row[] | null = [];
    const fill = async () => {
      const book = new Book();
      let fault: Fault | null = null;
      try {
        book.apply(await sinceSnapshot(source, instrument, ended.signal));
      } catch (error) {
        if (ended.signal.aborted) return;
        if (!(error instanceof Fault)) throw error;
        fault = error;
      }
      if (came === null) return; // a later filling was quicker
      book.apply(came);
      kept.current = { book, fault };
    };
    const filling = new Filling(fill, () => (came = null));
    const begin = () => {
      came = [];
      void fill();
      filling.begin();
    };
    const stream: Stream = new Stream(worldOf("book_change", { where: whereOf(source, instrument) }), {
      onEvents: (rows) => {
        heardNow();
        came?.push(...(rows as Row[]));
        kept.current.book.apply(rows as Row[]);
      },
      onBegin: begin,
      onState: (state) => tellState(stream, state),
      onRefused: () => void checkStillLetIn(),
    });
    const turn = () => {
      stream.turn();
      filling.turn();
    };
    tellState(stream, "connecting");
    stream.turn();
    document.addEventListener("visibilitychange", turn);
    const every = setInterval(() => {
      if (!document.hidden) show((drawn) => drawn + 1);
    }, SHOW_EVERY_MS);
    return () => {
      ended.abort();
      filling.end();
      stream.end();
      tellState(stream, null);
      document.removeEventListener("visibilitychange", turn);
      clearInterval(every);
    };
  }, [source, instrument]);
  return kept.current;
}

export function whereOf(source: string, instrument: string): string[] {
  return [`source=${source}`, `instrument=${instrument}`];
}

/** The changes since the last snapshot, the snapshot's own levels among them. Throws: Fault. */
async function sinceSnapshot(source: string, instrument: string, signal: AbortSignal): Promise<Row[]> {
  const found = await events<Row>("book_snapshot", { source, instrument, limit: 1 }, signal);
  const snapshot = found.events[0];
  if (snapshot === undefined) throw new Fault("Gap", `${source} ${instrument}: no snapshot is stored yet`, 0);
  const { connection, sequence } = snapshot;
  const asked: Params = {
    source,
    instrument,
    connection: String(connection),
    where: [`sequence>=${sequence}`],
    order: "oldest",
    limit: PAGE_ROWS,
  };
  const rows: Row[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const told: { events: Row[]; next: string | null } = await events<Row>(
      "book_change",
      { ...asked, cursor: cursor ?? undefined },
      signal,
    );
    rows.push(...told.events);
    cursor = told.next;
    if (cursor === null || told.events.length < PAGE_ROWS) return rows;
  }
  throw new Fault(
    "Refused",
    `${source} ${instrument}: more than ${PAGES_MAX * PAGE_ROWS} changes since the last snapshot`,
    0,
  );
}
