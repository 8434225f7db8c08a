/** A chart over time, or over another axis: uPlot, with what it shows in words for who does not see it. */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { isDark, zone } from "./preferences";

export interface Line {
  readonly name: string;
  readonly values: readonly (number | null)[];
  readonly kind?: "line" | "step" | "bars" | "points";
}

export interface ChartProps {
  /** What is shown, in a sentence. */
  readonly name: string;
  /** Ascending; ms since 1970 where `isTime`. */
  readonly x: readonly number[];
  readonly lines: readonly Line[];
  readonly isTime?: boolean;
  readonly height_px?: number;
}

const [SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS, YEAR_MS] = [1e3, 6e4, 36e5, 864e5, 31536e6];
/** How the axis writes times, by the distance of its marks; the day where it changes, below. */
const TIMES: uPlot.Axis.Values = [
  [YEAR_MS, "{YYYY}", null, null, null, null, null, null, 1],
  [DAY_MS, "{YYYY}-{MM}-{DD}", null, null, null, null, null, null, 1],
  [HOUR_MS, "{HH}:{mm}", null, null, "\n{YYYY}-{MM}-{DD}", null, null, null, 1],
  [MINUTE_MS, "{HH}:{mm}", null, null, "\n{YYYY}-{MM}-{DD}", null, null, null, 1],
  [SECOND_MS, "{HH}:{mm}:{ss}", null, null, "\n{YYYY}-{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}.{fff}", null, null, "\n{YYYY}-{MM}-{DD}", null, null, null, 1],
];

/** From mark to mark at least: a time with its milliseconds. */
const TIME_PX = 90;

/** Told apart by hue and by lightness, in the order of the lines. */
const COLOURS = ["--line-1", "--line-2", "--line-3", "--line-4"];

export function Chart(props: ChartProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const isTime = props.isTime ?? true;
  const shape = JSON.stringify([
    props.lines.map(({ name, kind }) => [name, kind]),
    isTime,
    zone.value,
    isDark.value,
  ]);
  const data = [props.x, ...props.lines.map((line) => line.values)] as unknown as uPlot.AlignedData;
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const made = new uPlot(optionsOf(props, element, isTime), data, element);
    plot.current = made;
    const size = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: made.height }));
    size.observe(element);
    return () => {
      size.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(data), [props.x, ...props.lines.map((line) => line.values)]);
  return (
    <figure class="chart">
      <figcaption>{props.name}</figcaption>
      <div ref={box} role="img" aria-label={inWords(props)} />
    </figure>
  );
}

function optionsOf(props: ChartProps, element: HTMLElement, isTime: boolean): uPlot.Options {
  const ink = colourOf(element, "--ink-soft");
  const grid = { stroke: colourOf(element, "--edge"), width: 1 };
  const axis = { stroke: ink, grid, ticks: grid };
  const times = isTime ? { values: TIMES, space: TIME_PX } : {};
  return {
    width: element.clientWidth || 600,
    height: props.height_px ?? 220,
    ms: 1,
    tzDate: (at_ms) => (zone.value === "UTC" ? uPlot.tzDate(new Date(at_ms), "Etc/UTC") : new Date(at_ms)),
    scales: { x: { time: isTime } },
    axes: [
      { ...axis, ...times },
      { ...axis, size: 76, ...large(props) },
    ],
    series: [
      isTime ? { value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" } : {},
      ...props.lines.map((line, at) => seriesOf(line, colourOf(element, COLOURS[at % COLOURS.length]!))),
    ],
  };
}

/** A colour of the style sheet as it is seen: the light or the dark one. */
function colourOf(element: HTMLElement, name: string): string {
  element.style.color = `var(${name})`;
  const { color } = getComputedStyle(element);
  element.style.color = "";
  return color;
}

/** Millions and more in short, for their digits have no room. */
function large({ lines }: ChartProps): Partial<uPlot.Axis> {
  const isLarge = lines.some(({ values }) =>
    values.some((value) => value !== null && Math.abs(value) >= 1e6),
  );
  const written = new Intl.NumberFormat("en", { notation: "scientific", maximumSignificantDigits: 4 });
  return isLarge ? { values: (_, marks) => marks.map((mark) => written.format(mark)) } : {};
}

function seriesOf(line: Line, colour: string): uPlot.Series {
  const paths =
    line.kind === "step"
      ? uPlot.paths.stepped?.({ align: 1 })
      : line.kind === "bars"
        ? uPlot.paths.bars?.({ size: [0.8, 40] })
        : line.kind === "points"
          ? () => null
          : undefined;
  return {
    label: line.name,
    stroke: colour,
    width: 1.5,
    points: { show: line.kind === "points", size: 4 },
    ...(line.kind === "bars" ? { fill: `color-mix(in srgb, ${colour} 50%, transparent)` } : {}),
    ...(paths === undefined ? {} : { paths }),
  };
}

function inWords(props: ChartProps): string {
  const said = props.lines.map((line) => {
    const values = line.values.filter((value) => value !== null);
    if (values.length === 0) return `${line.name}: nothing`;
    const [low, high] = values.reduce(
      ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
      [Infinity, -Infinity],
    );
    return `${line.name}: ${values.length} values from ${low} to ${high}, the last ${values.at(-1)}`;
  });
  return `${props.name}. ${said.join("; ")}`;
}
