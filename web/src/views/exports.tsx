/** Exports: start one, see how far it is, take and check its files, and have it done again and again. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask, Fault, fetched } from "../api";
import { Moment } from "../cells";
import { KINDS } from "../generated";
import { place } from "../going";
import { health } from "../live";
import { rangeOf } from "../place";
import { Heading, Refused } from "../shell";
import { useAsked } from "../use_asked";

interface FileEntry {
  readonly name: string;
  readonly bytes: number;
  readonly rows: number;
  readonly sha256: string;
}

interface Job {
  readonly id: string;
  readonly state: "waiting" | "running" | "done" | "failed" | "cancelled";
  readonly request: { readonly format: string; readonly table: string };
  readonly to: string;
  readonly rows: number;
  readonly percent: number;
  readonly fault: string | null;
  readonly manifest: { readonly files: readonly FileEntry[] } | null;
}

interface Schedule {
  readonly id: string;
  readonly request: { readonly format: string; readonly table: string };
  readonly to: string;
  readonly frequency: string;
  readonly is_paused: boolean;
  readonly next_ns: string;
  readonly last_outcome: string | null;
}

const FORMATS = ["parquet", "csv", "json", "ndjson", "arrow", "hdf5", "tfrecord"];
const EVERY_MS = 1_500;
const NS_PER_S = 1_000_000_000n;

export function Exports(): JSX.Element {
  return (
    <>
      <Heading name="Exports" />
      {health.value?.is_reader ? (
        <p role="note">
          This process serves what others store. Exports are on the page of the <code>tidemill up</code> that
          stores.
        </p>
      ) : (
        <Made />
      )}
    </>
  );
}

function Made(): JSX.Element {
  const jobs = useAsked("exports", () => ask<Job[]>("/exports"), EVERY_MS);
  const schedules = useAsked("schedules", () => ask<Schedule[]>("/schedules"), EVERY_MS);
  const [fault, tell] = useState<Fault | null>(null);
  const act = (deed: () => Promise<unknown>) => {
    deed().then(
      () => {
        tell(null);
        jobs.again();
        schedules.again();
      },
      (error: unknown) => tell(error instanceof Fault ? error : new Fault("bug", String(error), 0)),
    );
  };
  return (
    <>
      <Begin act={act} />
      <Refused fault={fault ?? jobs.fault ?? schedules.fault} />
      <h2>Of this run</h2>
      {jobs.value?.length === 0 && <p>None was asked for since tidemill started.</p>}
      {jobs.value?.map((job) => (
        <OneJob key={job.id} job={job} act={act} />
      ))}
      <h2>Again and again</h2>
      {schedules.value?.length === 0 && <p>Nothing is scheduled.</p>}
      {schedules.value?.map((schedule) => (
        <OneSchedule key={schedule.id} schedule={schedule} act={act} />
      ))}
    </>
  );
}

type Act = (deed: () => Promise<unknown>) => void;

/** The time range of the view, as an export wants it; the last so long is counted from now. */
function between(): { start_date: string; end_date: string } {
  const range = rangeOf(place.value.chosen);
  const iso = (ns: bigint) => new Date(Number(ns / 1_000_000n)).toISOString();
  if ("start" in range) return { start_date: iso(BigInt(range.start)), end_date: iso(BigInt(range.end)) };
  const now = BigInt(Date.now()) * 1_000_000n;
  return { start_date: iso(now - BigInt(range.last_s) * NS_PER_S), end_date: iso(now) };
}

function Begin({ act }: { act: Act }): JSX.Element {
  const [kind, chooseKind] = useState("swap");
  const [format, chooseFormat] = useState("parquet");
  const [frequency, chooseFrequency] = useState("");
  const [to, chooseTo] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    const upload_to = to.trim() || undefined;
    if (frequency === "")
      act(() => ask(`/export/${format}`, { method: "POST", body: { table: kind, ...between(), upload_to } }));
    else
      act(() =>
        ask("/schedule/export", {
          method: "POST",
          body: { table: kind, format, frequency, upload_to: upload_to ?? kind },
        }),
      );
  };
  return (
    <form class="begin" onSubmit={submit}>
      <label>
        table{" "}
        <select value={kind} onChange={(event) => chooseKind(event.currentTarget.value)}>
          {Object.keys(KINDS).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        format{" "}
        <select value={format} onChange={(event) => chooseFormat(event.currentTarget.value)}>
          {FORMATS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        how often{" "}
        <select value={frequency} onChange={(event) => chooseFrequency(event.currentTarget.value)}>
          <option value="">once, of the time range</option>
          <option>hourly</option>
          <option>daily</option>
          <option>weekly</option>
        </select>
      </label>
      <label>
        to{" "}
        <input
          value={to}
          placeholder="a new folder, or s3://…"
          onInput={(event) => chooseTo(event.currentTarget.value)}
        />
      </label>
      <button type="submit">export</button>
    </form>
  );
}

function OneJob({ job, act }: { job: Job; act: Act }): JSX.Element {
  const isGoing = job.state === "waiting" || job.state === "running";
  return (
    <section class="job" aria-label={`export ${job.id}`} data-job={job.id}>
      <p>
        <span class={`badge ${job.state === "done" ? "good" : job.state === "failed" ? "bad" : ""}`}>
          {job.state}
        </span>{" "}
        {job.request.table} as {job.request.format}, <span data-fact="rows">{job.rows}</span> rows, to{" "}
        <code>{job.to}</code>{" "}
        {isGoing && <progress max={100} value={job.percent} aria-label="how far it is" />}
        {isGoing && (
          <button type="button" onClick={() => act(() => ask(`/exports/${job.id}`, { method: "DELETE" }))}>
            end it
          </button>
        )}
      </p>
      {job.fault !== null && <p class="bad">{job.fault}</p>}
      <ul>
        {job.manifest?.files.map((file) => (
          <OneFile key={file.name} job={job.id} file={file} />
        ))}
      </ul>
    </section>
  );
}

function OneFile({ job, file }: { job: string; file: FileEntry }): JSX.Element {
  const [said, tell] = useState("");
  const read = async () => {
    const answer = await fetched(`/exports/${job}/file`, { params: { name: file.name }, accept: "*/*" });
    return answer.arrayBuffer();
  };
  const take = async () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([await read()]));
    link.download = file.name.split("/").at(-1) ?? file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  const check = async () =>
    tell(
      (await sha256(await read())) === file.sha256 ? "as the manifest says" : "NOT what the manifest says",
    );
  const guarded = (deed: () => Promise<void>) => () =>
    void deed().catch((fault: Error) => tell(fault.message));
  return (
    <li>
      {file.name}: {file.rows} rows, {file.bytes} bytes{" "}
      <button type="button" onClick={guarded(take)}>
        download
      </button>{" "}
      {globalThis.crypto.subtle !== undefined && (
        <button type="button" onClick={guarded(check)}>
          verify
        </button>
      )}{" "}
      <span role="status">{said}</span>
    </li>
  );
}

async function sha256(content: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function OneSchedule({ schedule, act }: { schedule: Schedule; act: Act }): JSX.Element {
  const turn = schedule.is_paused ? "resume" : "pause";
  return (
    <p data-schedule={schedule.id}>
      {schedule.request.table} as {schedule.request.format}, {schedule.frequency}, to{" "}
      <code>{schedule.to}</code>;{" "}
      {schedule.is_paused ? (
        "paused"
      ) : (
        <>
          next <Moment ns={String(schedule.next_ns)} />
        </>
      )}
      ; last: {schedule.last_outcome ?? "never"}{" "}
      <button
        type="button"
        onClick={() => act(() => ask(`/schedules/${schedule.id}/${turn}`, { method: "POST" }))}
      >
        {turn}
      </button>{" "}
      <button
        type="button"
        onClick={() =>
          confirm("Remove this schedule?") &&
          act(() => ask(`/schedules/${schedule.id}`, { method: "DELETE" }))
        }
      >
        remove
      </button>
    </p>
  );
}
