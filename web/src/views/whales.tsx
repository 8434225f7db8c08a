/** Whales: the registry and its switches, what the wallets trade, and how well each of them did. */

import type { JSX } from "preact";
import { ask, type Fault } from "../api";
import { Short } from "../cells";
import { sum, trimmed } from "../decimals";
import { EventTable, FeedTable, Filter, filters, useTable } from "../event_table";
import { choose, place } from "../going";
import type { Row } from "../rows";
import { may } from "../session";
import { Heading, Refused } from "../shell";
import { useAsked } from "../use_asked";

interface Whale {
  readonly address: string;
  readonly pseudonym: string | null;
  readonly tier: string | null;
  readonly win_rate: string | null;
  readonly estimated_pnl: string | null;
  readonly is_enabled: boolean;
  readonly is_copying_enabled: boolean;
}

type Switch = "is_enabled" | "is_copying_enabled";

const EVERY_MS = 10_000;
const TRADE_NAMES = [
  "event_ns",
  "trader_address",
  "pseudonym",
  "side",
  "size",
  "price",
  "amount",
  "state",
  "reason",
  "token_id",
  "tx_hash",
];
const POSITION_NAMES = [
  "event_ns",
  "token_id",
  "change",
  "size_before",
  "size",
  "average_price",
  "realized_pnl",
];
const ALERT_NAMES = ["event_ns", "kind", "trader_address", "counterparty", "detail", "evidence"];

export function Whales(): JSX.Element {
  const told = useAsked("whales", () => ask<Whale[]>("/whales"), EVERY_MS);
  const id = place.value.chosen["id"];
  return (
    <>
      <Heading name="Whales">
        <Filter kind="whale_trade" />
      </Heading>
      <Refused fault={told.fault} />
      <Registry whales={told.value ?? []} onChange={told.again} isKnown={told.value !== null} />
      {id !== undefined && <Scorecard key={id} address={id} />}
      <h2>Trades</h2>
      <EventTable kind="whale_trade" names={TRADE_NAMES} where={filters()} />
      <h2>What looks like manipulation</h2>
      <EventTable kind="whale_alert" names={ALERT_NAMES} />
    </>
  );
}

function Registry(props: { whales: readonly Whale[]; isKnown: boolean; onChange: () => void }): JSX.Element {
  if (props.whales.length === 0) {
    return props.isKnown ? (
      <p>
        The registry is empty: <code>tidemill whales seed</code> or <code>add</code> fills it.
      </p>
    ) : (
      <></>
    );
  }
  const turn = async (whale: Whale, name: Switch) => {
    await ask(`/whales/${whale.address}`, { method: "PATCH", body: { [name]: !whale[name] } }).catch(
      (fault: Fault) => alert(fault.message),
    );
    props.onChange();
  };
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="registry">
      <table>
        <thead>
          <tr>
            <th>wallet</th>
            <th>name</th>
            <th>tier</th>
            <th>win rate %</th>
            <th>P&amp;L USD</th>
            <th>told</th>
            <th>copied</th>
            <th>scorecard</th>
          </tr>
        </thead>
        <tbody>
          {props.whales.map((whale) => (
            <tr key={whale.address} data-whale={whale.address}>
              <td>
                <Short text={whale.address} chain_id={137} kind="address" />
              </td>
              <td>{whale.pseudonym ?? "–"}</td>
              <td>{whale.tier ?? "–"}</td>
              <td class="number">{whale.win_rate ?? "–"}</td>
              <td class="number">{whale.estimated_pnl ?? "–"}</td>
              <td>
                <Toggle whale={whale} name="is_enabled" onTurn={turn} />
              </td>
              <td>
                <Toggle whale={whale} name="is_copying_enabled" onTurn={turn} />
              </td>
              <td>
                <button type="button" onClick={() => choose({ id: whale.address })}>
                  show
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Toggle(props: {
  whale: Whale;
  name: Switch;
  onTurn: (whale: Whale, name: Switch) => void;
}): JSX.Element {
  const { whale, name } = props;
  const said = `${name === "is_enabled" ? "told" : "copied"}: ${whale.pseudonym ?? whale.address}`;
  if (!may("trader")) return <span>{whale[name] ? "yes" : "no"}</span>;
  return (
    <input
      type="checkbox"
      role="switch"
      aria-label={said}
      checked={whale[name]}
      onChange={() => props.onTurn(whale, name)}
    />
  );
}

/** What the whale's positions came to, as far as its trades were seen in this time. */
function Scorecard({ address }: { address: string }): JSX.Element {
  const feed = useTable({ kind: "whale_position", where: [`trader_address=${address}`] });
  return (
    <section class="detail" aria-label="scorecard">
      <h2>
        <Short text={address} chain_id={137} kind="address" />{" "}
        <button type="button" onClick={() => choose({ id: undefined })}>
          close
        </button>
      </h2>
      <section class="tiles">
        {Object.entries(scoreOf(feed.rows)).map(([name, value]) => (
          <div class="tile" key={name}>
            <span class="soft">{name}</span>
            <b data-score={name}>{value}</b>
          </div>
        ))}
      </section>
      <FeedTable kind="whale_position" names={POSITION_NAMES} feed={feed} />
    </section>
  );
}

function scoreOf(rows: readonly Row[]): Record<string, string> {
  const closed = rows.filter((row) => row["change"] === "closed" && row["realized_pnl"] != null);
  const won = closed.filter(
    (row) => !String(row["realized_pnl"]).startsWith("-") && Number(row["realized_pnl"]) > 0,
  );
  return {
    "changes of positions": String(rows.length),
    "positions closed": String(closed.length),
    "of them won": closed.length === 0 ? "–" : `${won.length}`,
    "realised, quote":
      closed.length === 0 ? "–" : trimmed(sum(closed.map((row) => String(row["realized_pnl"])))),
  };
}
