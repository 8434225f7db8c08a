/** Have the events of one kind in a component: those of a time range, and what comes while it goes on. */

import { useEffect, useRef, useState } from "preact/hooks";
import { events, Fault, type Params } from "./api";
import { Filling } from "./filling";
import { KINDS } from "./generated";
import { checkStillLetIn, heardNow, tellState, worldOf } from "./live";
import type { Range } from "./place";
import { RowSet, type Order, type Row } from "./rows";
import { Stream } from "./stream";
import { nsOf } from "./times";

export interface Feed {
  readonly rows: readonly Row[];
  readonly fault: Fault | null;
  readonly isLoading: boolean;
  /** Whether there are earlier events than those that are here. */
  readonly hasOlder: boolean;
  readonly order: Order;
  sort(order: Order): void;
  /** Null where the table cannot hold more. */
  readonly loadOlder: (() => void) | null;
}

/** Shown so often at most: who looks sees no more, and the main thread has time for them. */
const SHOW_EVERY_MS = 400;
const TRIM_EVERY_MS = 5_000;
const PAGE_ROWS = 500;
/** Of a moment in ns, so that texts compare as moments do. */
const NS_DIGITS = 20;

export interface Wanted {
  readonly kind: string;
  readonly range: Range;
  /** `column>=value`, all of which hold. */
  readonly where?: readonly string[];
  /** The columns that are shown; all where it is not said. */
  readonly fields?: readonly string[];
}

export function useEvents(wanted: Wanted): Feed {
  const key = JSON.stringify(wanted);
  const loader = useRef<Loader | null>(null);
  const [, show] = useState(0);
  useEffect(() => {
    const made = new Loader(wanted, () => show((count) => count + 1));
    loader.current = made;
    made.begin();
    return () => made.end();
  }, [key]);
  const at = loader.current;
  return {
    rows: at?.set.rows ?? [],
    fault: at?.fault ?? null,
    isLoading: at?.isLoading ?? true,
    hasOlder: (at?.next ?? null) !== null || at?.set.isCut === true,
    order: at?.set.sortedBy ?? { column: "event_ns", isDescending: true },
    sort: (order) => at?.sort(order),
    loadOlder: at?.next == null || at.set.isCut ? null : () => void at.loadOlder(),
  };
}

/** Rows, the question that fills them, and the streams that keep them true. */
class Loader {
  readonly set: RowSet;
  fault: Fault | null = null;
  isLoading = true;
  next: string | null = null;
  private pending: Row[] = [];
  private reverted = new Set<string>();
  private shown = 0;
  private trimmed_ms = 0;
  private readonly filling = new Filling(() => this.fill());
  private readonly streams: Stream[] = [];
  private readonly ended = new AbortController();

  constructor(
    private readonly wanted: Wanted,
    private readonly onShow: () => void,
  ) {
    this.set = new RowSet(wanted.kind);
  }

  begin(): void {
    if (!("last_s" in this.wanted.range)) {
      void this.load();
      return;
    }
    this.follow(
      this.wanted.kind,
      this.streamed(),
      (came) => this.take(came as Row[]),
      () => this.beginAnew(),
    );
    if (
      KINDS[this.wanted.kind]?.columns.some(([name]) => name === "block_hash") &&
      this.wanted.kind !== "reorg"
    ) {
      this.follow(
        "reorg",
        {},
        (came) => this.reorganise(came as Row[]),
        () => {},
      );
    }
    document.addEventListener("visibilitychange", this.turn);
  }

  end(): void {
    this.ended.abort();
    document.removeEventListener("visibilitychange", this.turn);
    for (const stream of this.streams) {
      stream.end();
      tellState(stream, null);
    }
    clearTimeout(this.shown);
    this.filling.end();
  }

  sort(order: Order): void {
    this.set.sort(order);
    this.onShow();
  }

  async loadOlder(): Promise<void> {
    if (this.next !== null) await this.load(this.next);
  }

  private turn = (): void => {
    for (const stream of this.streams) stream.turn();
    this.filling.turn();
  };

  private follow(
    topic: string,
    params: Params,
    onEvents: (came: unknown[]) => void,
    onBegin: () => void,
  ): void {
    const stream: Stream = new Stream(worldOf(topic, params), {
      onEvents: (came) => {
        heardNow();
        onEvents(came);
      },
      onBegin,
      onState: (state) => tellState(stream, state),
      onRefused: () => void checkStillLetIn(),
    });
    this.streams.push(stream);
    tellState(stream, "connecting");
    stream.turn();
  }

  private streamed(): Params {
    const { where, fields } = this.wanted;
    return { where: where ?? [], fields: fields?.join(",") };
  }

  private asked(): Params {
    const { range } = this.wanted;
    const between = "last_s" in range ? {} : { start: range.start, end: range.end };
    return { ...this.streamed(), ...between, limit: PAGE_ROWS };
  }

  /** Where it goes on without a cursor, what is here may lack what came in between. */
  private beginAnew(): void {
    this.set.clear();
    this.next = null;
    void this.load();
    this.filling.begin();
  }

  private async load(cursor?: string): Promise<void> {
    try {
      const page = await events<Row>(this.wanted.kind, { ...this.asked(), cursor }, this.ended.signal);
      this.next = page.next;
      this.fault = null;
      this.add(page.events);
    } catch (error) {
      if (!(error instanceof Fault)) {
        if (this.ended.signal.aborted) return;
        throw error;
      }
      this.fault = error;
    }
    this.isLoading = false;
    this.onShow();
  }

  /** Ask for what was not found before. */
  private async fill(): Promise<void> {
    const page = await events<Row>(this.wanted.kind, this.asked(), this.ended.signal).catch(() => null);
    if (page === null) return;
    this.add(page.events);
    this.onShow();
  }

  private take(came: Row[]): void {
    this.pending.push(...came);
    if (this.shown !== 0) return;
    this.shown = window.setTimeout(() => {
      this.shown = 0;
      this.add(this.pending);
      this.pending = [];
      this.onShow();
    }, SHOW_EVERY_MS);
  }

  private add(rows: readonly Row[]): void {
    this.set.add(
      this.reverted.size ? rows.filter((row) => !this.reverted.has(String(row["block_hash"]))) : rows,
    );
    const { range } = this.wanted;
    const now_ms = Date.now();
    if (!("last_s" in range) || now_ms - this.trimmed_ms < TRIM_EVERY_MS) return;
    this.trimmed_ms = now_ms;
    const since = nsOf(Math.max(0, now_ms - range.last_s * 1000)).padStart(NS_DIGITS, "0");
    const before = this.set.rows.length;
    this.set.keep((row) => String(row["event_ns"]).padStart(NS_DIGITS, "0") >= since);
    if (this.set.rows.length === before) return;
    this.next = null; // the range is here, whole
    this.set.isCut = false;
  }

  private reorganise(told: readonly Row[]): void {
    for (const { kind, block_hash } of told) {
      if (kind === "reverted") this.reverted.add(String(block_hash));
      else this.reverted.delete(String(block_hash));
    }
    this.set.keep((row) => !this.reverted.has(String(row["block_hash"])));
    if (told.some((row) => row["kind"] === "restored")) void this.filling.ask();
    this.onShow();
  }
}
