/** Which of many rows are drawn: those in sight, each in a line that it keeps while it is.
 *
 * What one reads stays where it is while newer rows come above it: the first row in sight, or the focused one.
 */

import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Row } from "./rows";

export const ROW_PX = 28;
const OVERSCAN = 4;

export interface Virtual {
  /** Those that are drawn, in order; `line` is the same for as long as its row is drawn. */
  readonly drawn: readonly { readonly row: Row; readonly index: number; readonly line: number }[];
  reveal(index: number): void;
}

/** `order` says when rows are in another order: then nothing is read on. */
export function useVirtual(
  rows: readonly Row[],
  order: unknown,
  focused: Row | null,
  scroller: RefObject<HTMLElement | null>,
): Virtual {
  const [sight, look] = useState({ top: 0, height_px: 0 });
  const read = useRef<{ row: Row; index: number; order: unknown } | null>(null);
  const lines = useRef<ReadonlyMap<Row, number>>(new Map());
  const see = () => {
    const { scrollTop = 0, clientHeight: height_px = 0 } = scroller.current ?? {};
    const top = Math.floor(scrollTop / ROW_PX);
    look((before) => (before.top === top && before.height_px === height_px ? before : { top, height_px }));
  };
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const size = new ResizeObserver(see);
    size.observe(element);
    element.addEventListener("scroll", see, { passive: true });
    return () => {
      size.disconnect();
      element.removeEventListener("scroll", see);
    };
  }, []);
  const count = Math.ceil(sight.height_px / ROW_PX);
  const top = Math.max(0, Math.min(sight.top, rows.length - count));
  useLayoutEffect(() => {
    const before = read.current;
    const at = before === null || before.order !== order ? -1 : rows.indexOf(before.row);
    if (before !== null && at >= 0 && at !== before.index && scroller.current !== null) {
      scroller.current.scrollTop += (at - before.index) * ROW_PX;
      see();
    }
  }, [rows]);
  useLayoutEffect(() => {
    const isHeld = scroller.current?.contains(document.activeElement) ?? false;
    const at = isHeld && focused !== null ? rows.indexOf(focused, top) : -1;
    const index = at >= 0 && at < top + count ? at : top;
    const row = rows[index];
    read.current = row === undefined || (top === 0 && index !== at) ? null : { row, index, order };
  });
  const first = Math.max(0, top - OVERSCAN);
  const inSight = rows.slice(first, top + count + OVERSCAN);
  lines.current = placed(lines.current, inSight);
  return {
    drawn: inSight.map((row, at) => ({ row, index: first + at, line: lines.current.get(row) ?? at })),
    reveal(index) {
      const element = scroller.current;
      if (element === null) return;
      const head_px = element.querySelector<HTMLElement>(".head")?.offsetHeight ?? 0;
      const [start_px, end_px] = [index * ROW_PX, head_px + (index + 1) * ROW_PX];
      if (start_px < element.scrollTop) element.scrollTop = start_px;
      else if (end_px > element.scrollTop + element.clientHeight)
        element.scrollTop = end_px - element.clientHeight;
      see();
    },
  };
}

/** Rows that were drawn keep their lines; the others take those that are free. */
function placed(before: ReadonlyMap<Row, number>, rows: readonly Row[]): Map<Row, number> {
  const found = new Map<Row, number>();
  for (const row of rows) {
    const line = before.get(row);
    if (line !== undefined) found.set(row, line);
  }
  const taken = new Set(found.values());
  let free = 0;
  for (const row of rows) {
    if (found.has(row)) continue;
    while (taken.has(free)) free += 1;
    found.set(row, free++);
  }
  return found;
}
