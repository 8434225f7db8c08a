/** Coverage: for each source which blocks are complete, by which proof, and every gap with its cause. */

import type { JSX } from "preact";
import { ask } from "../api";
import { Moment } from "../cells";
import { grouped } from "../decimals";
import { EventTable, Filter, filters } from "../event_table";
import { Heading, Refused } from "../shell";
import { useAsked } from "../use_asked";

interface Span {
  readonly from_block: number;
  readonly to_block: number;
  readonly proof: string;
}

interface Gap {
  readonly from_block: number;
  readonly to_block: number;
  readonly blocks: number;
  readonly cause: string;
  readonly noticed_ns: string;
  readonly closed_ns: string | null;
  readonly lasted_ms: number | null;
  readonly closed_by: string | null;
  readonly pool: string | null;
}

interface Ledger {
  readonly source: string;
  readonly from_block: number;
  readonly to_block: number;
  readonly level: string;
  readonly is_complete: boolean;
  readonly complete: readonly Span[];
  readonly gaps: readonly Gap[];
  readonly missing: readonly {
    readonly from_block: number;
    readonly to_block: number;
    readonly cause: string;
  }[];
}

const EVERY_MS = 5_000;
const GAPS_SHOWN = 200;
const NAMES = ["event_ns", "source", "from_block", "to_block", "status", "proof", "log_count", "cause"];

export function Coverage(): JSX.Element {
  const told = useAsked("coverage", () => ask<Ledger[]>("/coverage"), EVERY_MS);
  return (
    <>
      <Heading name="Coverage">
        <Filter kind="coverage" />
      </Heading>
      <Refused fault={told.fault} />
      {told.value?.map((ledger) => (
        <Source key={ledger.source} ledger={ledger} />
      ))}
      {told.value?.length === 0 && <p>No source has told anything yet.</p>}
      <h2>What was told in this time</h2>
      <EventTable kind="coverage" names={NAMES} where={filters()} />
    </>
  );
}

function Source({ ledger }: { ledger: Ledger }): JSX.Element {
  const open = ledger.gaps.filter((gap) => gap.closed_ns === null);
  return (
    <section aria-label={ledger.source} data-source={ledger.source}>
      <h2>
        {ledger.source}{" "}
        <small class="soft">
          blocks <span data-block="from">{ledger.from_block}</span> to{" "}
          <span data-block="to">{ledger.to_block}</span>
        </small>{" "}
        <span class={`badge ${ledger.is_complete ? "good" : "bad"}`}>
          {ledger.is_complete ? "complete" : `${open.length} gaps open`}
        </span>
      </h2>
      <Line ledger={ledger} />
      <ul class="legend">
        {ledger.complete.slice(-20).map((span) => (
          <li key={span.from_block}>
            <i class={`swatch ${span.proof}`} /> {grouped(String(span.from_block))} to{" "}
            {grouped(String(span.to_block))}: {span.proof}
          </li>
        ))}
      </ul>
      {ledger.gaps.length > 0 && <Gaps gaps={ledger.gaps} />}
    </section>
  );
}

function Line({ ledger }: { ledger: Ledger }): JSX.Element {
  const length = ledger.to_block - ledger.from_block + 1;
  const at = (block: number) => ((block - ledger.from_block) / length) * 1000;
  const wide = (from: number, to: number) => Math.max(1, at(to + 1) - at(from));
  const said = `${ledger.source}: ${ledger.complete.length} ranges complete, ${ledger.missing.length} missing`;
  return (
    <svg class="ledger" viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" aria-label={said}>
      {ledger.complete.map((span) => (
        <rect
          key={span.from_block}
          class={span.proof}
          x={at(span.from_block)}
          y={4}
          width={wide(span.from_block, span.to_block)}
          height={16}
        >
          <title>{`${span.from_block} to ${span.to_block}: ${span.proof}`}</title>
        </rect>
      ))}
      {ledger.missing.map((gap) => (
        <rect
          key={`m${gap.from_block}`}
          class="missing"
          x={at(gap.from_block)}
          y={0}
          width={wide(gap.from_block, gap.to_block)}
          height={24}
        >
          <title>{`${gap.from_block} to ${gap.to_block}: ${gap.cause}`}</title>
        </rect>
      ))}
    </svg>
  );
}

function Gaps({ gaps }: { gaps: readonly Gap[] }): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="gaps">
      <table>
        <thead>
          <tr>
            <th>blocks</th>
            <th>how many</th>
            <th>noticed</th>
            <th>cause</th>
            <th>closed</th>
          </tr>
        </thead>
        <tbody>
          {gaps
            .slice(-GAPS_SHOWN)
            .reverse()
            .map((gap) => (
              <tr key={`${gap.from_block} ${gap.noticed_ns} ${gap.pool}`} data-gap>
                <td>
                  {gap.from_block} to {gap.to_block}
                </td>
                <td>{gap.blocks}</td>
                <td>
                  <Moment ns={String(gap.noticed_ns)} />
                </td>
                <td>
                  {gap.cause}
                  {gap.pool === null ? "" : ` (pool ${gap.pool})`}
                </td>
                <td>
                  {gap.closed_ns === null ? (
                    <b class="bad">open</b>
                  ) : (
                    `after ${gap.lasted_ms} ms: ${gap.closed_by}`
                  )}
                </td>
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}
