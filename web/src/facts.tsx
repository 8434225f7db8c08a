/** One row as a list of its facts, and a few rows as a plain table. */

import type { JSX } from "preact";
import { Cell, type AmountOf } from "./cells";
import { columnsOf, label, unitOf } from "./columns";
import { identityOf, type Row } from "./rows";

export function Facts(props: {
  kind: string;
  row: Row;
  amountOf?: AmountOf;
  names?: readonly string[];
}): JSX.Element {
  const told = columnsOf(props.kind, props.names).filter((column) => props.row[column.name] != null);
  return (
    <dl class="facts" aria-label={props.kind}>
      {told.map((column) => (
        <div key={column.name} data-column={column.name}>
          <dt>
            {label(column.name)} <small>{unitOf(column)}</small>
          </dt>
          <dd>
            <Cell column={column} row={props.row} amountOf={props.amountOf} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function Plain(props: {
  kind: string;
  rows: readonly Row[];
  amountOf?: AmountOf;
  names?: readonly string[];
}): JSX.Element {
  const columns = columnsOf(props.kind, props.names).filter((column) =>
    props.rows.some((row) => row[column.name] != null),
  );
  if (props.rows.length === 0) return <p>Nothing is stored of this.</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={props.kind}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} title={column.name}>
                {label(column.name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={identityOf(props.kind, row)}>
              {columns.map((column) => (
                <td key={column.name} data-column={column.name} class={column.isNumber ? "number" : ""}>
                  <Cell column={column} row={row} amountOf={props.amountOf} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
