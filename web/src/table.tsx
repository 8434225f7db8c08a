/** A table of any number of rows, of which only those in sight are drawn; sorted and walked by keyboard. */

import { Component, type JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { Cell, type AmountOf } from "./cells";
import { label, unitOf, type Shown } from "./columns";
import { zone } from "./preferences";
import type { Order, Row } from "./rows";
import { tokens } from "./tokens";
import { ROW_PX, useVirtual } from "./use_virtual";

/** Of the border, and of a scroll bar below. */
const BARS_PX = 22;

export interface TableProps {
  readonly name: string;
  readonly columns: readonly Shown[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly order?: Order;
  readonly onSort?: (order: Order) => void;
  readonly chosen?: string | null;
  readonly onChoose?: (row: Row) => void;
  readonly amountOf?: AmountOf;
}

export function Table(props: TableProps): JSX.Element {
  const { columns, rows } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [focused, focus] = useState<Row | null>(null);
  const { drawn, reveal } = useVirtual(
    rows,
    `${props.order?.column} ${props.order?.isDescending}`,
    focused,
    scroller,
  );
  const at = Math.max(0, focused === null ? 0 : rows.indexOf(focused));
  const wide_ch = columns.reduce((sum, column) => sum + column.width_ch, 0);
  const template = columns.map(({ width_ch }) => `minmax(${width_ch}ch, ${width_ch}fr)`).join(" ");
  const onKeyDown = (event: KeyboardEvent) => {
    const to = targetOf(event.key, at, rows.length);
    if (to !== null) {
      event.preventDefault();
      focus(rows[to] ?? null);
      reveal(to);
      requestAnimationFrame(() =>
        scroller.current?.querySelector<HTMLElement>(`[data-index="${to}"]`)?.focus({ preventScroll: true }),
      );
    } else if (event.key === "Enter" && (event.target as Element).matches("[data-index]")) {
      const row = rows[at];
      if (row !== undefined) props.onChoose?.(row);
    }
  };
  return (
    <div
      class="table"
      role="table"
      aria-label={props.name}
      aria-rowcount={rows.length + 1}
      ref={scroller}
      style={`--all: ${(rows.length + 1) * ROW_PX + BARS_PX}px`}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div class="table-inner" style={`--columns: ${template}; width: max(100%, ${wide_ch}ch)`}>
        <div role="rowgroup" class="head">
          <div role="row" class="row" aria-rowindex={1}>
            {columns.map((column) => (
              <Head key={column.name} column={column} table={props} />
            ))}
          </div>
        </div>
        <div role="rowgroup" style={{ height: `${rows.length * ROW_PX}px`, position: "relative" }}>
          {drawn.map(({ row, index, line }) => (
            <Line
              key={line} // not the row's own: what scrolls by is written into the lines that are there
              row={row}
              index={index}
              columns={columns}
              amountOf={props.amountOf}
              isChosen={props.chosen != null && props.chosen === props.keyOf(row)}
              isFocused={index === at}
              tokens={tokens.value}
              zone={zone.value}
              onFocus={focus}
              onChoose={props.onChoose}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

interface LineProps {
  readonly row: Row;
  readonly index: number;
  readonly columns: readonly Shown[];
  readonly amountOf: AmountOf | undefined;
  readonly isChosen: boolean;
  readonly isFocused: boolean;
  /** These two are read by cells: a line is drawn anew when they change. */
  readonly tokens: unknown;
  readonly zone: unknown;
  readonly onFocus: (row: Row) => void;
  readonly onChoose: ((row: Row) => void) | undefined;
}

const DRAWN_FROM = ["row", "index", "amountOf", "isChosen", "isFocused", "tokens", "zone"] as const;

/** One row in sight; drawn again only where something of it is another. */
class Line extends Component<LineProps> {
  override shouldComponentUpdate(next: LineProps): boolean {
    return (
      DRAWN_FROM.some((name) => next[name] !== this.props[name]) ||
      !areAlike(next.columns, this.props.columns)
    );
  }

  override render(): JSX.Element {
    const { row, index, columns, isChosen, amountOf } = this.props;
    return (
      <div
        role="row"
        class="row"
        data-index={index}
        aria-rowindex={index + 2}
        aria-current={isChosen ? "true" : undefined}
        tabIndex={this.props.isFocused ? 0 : -1}
        style={{
          position: "absolute",
          transform: `translateY(${index * ROW_PX}px)`,
          height: `${ROW_PX}px`,
        }}
        onFocus={() => this.props.onFocus(row)}
        onClick={() => this.props.onChoose?.(row)}
      >
        {columns.map((column) => (
          <div
            key={column.name}
            role="cell"
            class={column.isNumber ? "number" : ""}
            data-column={column.name}
          >
            <Cell column={column} row={row} amountOf={amountOf} />
          </div>
        ))}
      </div>
    );
  }
}

function areAlike(a: readonly Shown[], b: readonly Shown[]): boolean {
  return (
    a.length === b.length && a.every(({ name, type }, at) => name === b[at]?.name && type === b[at].type)
  );
}

function targetOf(key: string, at: number, count: number): number | null {
  const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -count, End: count }[key];
  return step === undefined || count === 0 ? null : Math.max(0, Math.min(count - 1, at + step));
}

function Head({ column, table }: { column: Shown; table: TableProps }): JSX.Element {
  const isSorted = table.order?.column === column.name;
  const isDescending = table.order?.isDescending ?? false;
  const unit = unitOf(column);
  const title = `${column.name}${unit ? `, ${unit}` : ""}`;
  const text = (
    <>
      {label(column.name)}
      {unit && <small> {unit}</small>}
    </>
  );
  return (
    <div
      role="columnheader"
      class={column.isNumber ? "number" : ""}
      title={title}
      aria-sort={isSorted ? (isDescending ? "descending" : "ascending") : "none"}
    >
      {table.onSort === undefined ? (
        text
      ) : (
        <button
          type="button"
          onClick={() =>
            table.onSort?.({ column: column.name, isDescending: isSorted ? !isDescending : true })
          }
        >
          {text}
          {isSorted && <span aria-hidden="true">{isDescending ? " ▾" : " ▴"}</span>}
        </button>
      )}
    </div>
  );
}
