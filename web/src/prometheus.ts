/** Read what `GET /metrics` tells: Prometheus' text, as far as a person looks at it. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export function samplesOf(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const found = line.startsWith("#") ? null : LINE.exec(line);
    if (found === null) return [];
    const labels = [...(found[2] ?? "").matchAll(LABEL)].map(([, name, value]) => [name, value] as const);
    return [
      {
        name: found[1]!,
        labels: Object.fromEntries(labels) as Record<string, string>,
        value: numberOf(found[3]!),
      },
    ];
  });
}

function numberOf(text: string): number {
  return text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
}

export function valuesOf(samples: readonly Sample[], name: string): Sample[] {
  return samples.filter((sample) => sample.name === name);
}

/** How much more of each label value was counted in `after` than in `before`, a second. */
export function rates(
  name: string,
  label: string,
  before: readonly Sample[],
  after: readonly Sample[],
  s: number,
): Map<string, number> {
  const earlier = new Map(valuesOf(before, name).map((one) => [one.labels[label] ?? "", one.value]));
  return new Map(
    valuesOf(after, name).map((one) => {
      const key = one.labels[label] ?? "";
      return [key, Math.max(0, one.value - (earlier.get(key) ?? 0)) / s];
    }),
  );
}

/** The end of the bucket below which `share` of what was counted in between lies, in s; null where nothing was. */
export function quantile(
  name: string,
  share: number,
  before: readonly Sample[],
  after: readonly Sample[],
): number | null {
  const earlier = new Map(valuesOf(before, `${name}_bucket`).map((one) => [one.labels["le"], one.value]));
  const counts = valuesOf(after, `${name}_bucket`)
    .map((one) => ({
      end: numberOf(one.labels["le"] ?? "+Inf"),
      count: one.value - (earlier.get(one.labels["le"]) ?? 0),
    }))
    .sort((a, b) => a.end - b.end);
  const total = counts.at(-1)?.count ?? 0;
  return total <= 0 ? null : (counts.find(({ count }) => count >= share * total)?.end ?? null);
}
