/** How one value is shown: exact, short where it is long, whole when it is pointed at or copied. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { grouped, shifted, trimmed } from "./decimals";
import { explorerLink } from "./explorers";
import { zone } from "./preferences";
import type { Row } from "./rows";
import type { Shown } from "./columns";
import { shown } from "./times";
import { tokenOf } from "./tokens";

const COPIED_MS = 1_200;
const LONG_TEXT = 19;

/** Amounts whose token another column names, by the amount's column: `amount_in` is of `token`. */
export type AmountOf = Readonly<Record<string, string>>;

export function Cell(props: { column: Shown; row: Row; amountOf?: AmountOf | undefined }): JSX.Element {
  const { column, row } = props;
  const value = row[column.name] ?? null;
  if (value === null) return <span class="absent">–</span>;
  const text = String(value);
  switch (column.type) {
    case "Nanos":
      return <Moment ns={text} />;
    case "Address":
      return <Short text={text} chain_id={row["chain_id"]} kind="address" />;
    case "Hash":
      return (
        <Short text={text} chain_id={row["chain_id"]} kind={column.name.startsWith("tx") ? "tx" : "hash"} />
      );
    case "U256":
    case "I256":
    case "U128":
      return <Amount digits={text} token={tokenFor(props.amountOf, column.name, row)} name={column.name} />;
    case "Fixed18":
      return <span title={text}>{grouped(trimmed(text))}</span>;
    case "Text":
      return /^0x[0-9a-f]{40,64}$/.test(text) ? (
        <Short text={text} chain_id={row["chain_id"]} kind={text.length > 42 ? "tx" : "address"} />
      ) : (
        <span title={text}>{text}</span>
      );
    default:
      return <span>{text}</span>;
  }
}

function tokenFor(amountOf: AmountOf | undefined, name: string, row: Row): ReturnType<typeof tokenOf> {
  const column = amountOf?.[name];
  return column === undefined ? undefined : tokenOf(row["chain_id"], row[column]);
}

export function Moment({ ns }: { ns: string }): JSX.Element {
  return (
    <time
      dateTime={shown(ns, "UTC").replace(" ", "T") + "Z"}
      title={`${shown(ns, zone.value, true)} ${zone.value}`}
    >
      {shown(ns, zone.value)}
    </time>
  );
}

/** An amount: of a token that is known in its own units, otherwise raw. */
export function Amount(props: {
  digits: string;
  token?: ReturnType<typeof tokenOf>;
  name?: string;
}): JSX.Element {
  const { digits, token } = props;
  if (token?.decimals != null) {
    return (
      <span title={`${digits} raw`}>
        {grouped(shifted(digits, token.decimals))} {token.symbol ?? ""}
      </span>
    );
  }
  if (props.name?.endsWith("native_wei"))
    return <span title={`${digits} wei`}>{grouped(shifted(digits, 18))}</span>;
  return <span title={digits}>{grouped(digits)}</span>;
}

/** An address or a hash: its ends, the whole of it to copy, and where others show it. */
export function Short(props: {
  text: string;
  chain_id?: unknown;
  kind: "address" | "tx" | "hash";
}): JSX.Element {
  const { text, kind } = props;
  const link = kind === "hash" ? null : explorerLink(props.chain_id, kind, text);
  const short = text.length > LONG_TEXT ? `${text.slice(0, 8)}…${text.slice(-6)}` : text;
  return (
    <span class="short" title={text}>
      <span class="mono">{short}</span>
      <Copy text={text} />
      {link !== null && (
        <a href={link} target="_blank" rel="noreferrer noopener" aria-label={`${text} in the explorer`}>
          ↗
        </a>
      )}
    </span>
  );
}

function Copy({ text }: { text: string }): JSX.Element {
  const [isCopied, tell] = useState(false);
  const copy = async (event: Event) => {
    event.stopPropagation();
    await navigator.clipboard.writeText(text);
    tell(true);
    setTimeout(() => tell(false), COPIED_MS);
  };
  return (
    <button type="button" class="copy" aria-label={`copy ${text}`} onClick={copy}>
      {isCopied ? "✓" : <Sheets />}
    </button>
  );
}

function Sheets(): JSX.Element {
  return (
    <svg viewBox="0 0 12 12" fill="none" stroke="currentColor" aria-hidden="true">
      <path d="M4 4h7v7H4zM1 8V1h7" />
    </svg>
  );
}
