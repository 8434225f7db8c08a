import { expect, test } from "vitest";
import { Book, spread } from "../src/book";
import { hashOf, placeOf, rangeOf } from "../src/place";
import { liquidityByTick, priceOf } from "../src/pool_price";
import { quantile, rates, samplesOf } from "../src/prometheus";
import { RowSet, type Row } from "../src/rows";
import { shown } from "../src/times";

function block(number: number, base_fee_wei: string | null = null): Row {
  return {
    chain_id: 1,
    block_hash: `0x${number}`,
    block_number: number,
    base_fee_wei,
    event_ns: (1_700_000_000_000_000_000n + BigInt(number) * 1_000_000_000n).toString(),
  };
}
const numbers = (set: RowSet) => set.rows.map((row) => row["block_number"]);

test("a row that comes twice is there once, in its place by time", () => {
  const set = new RowSet("block");
  expect(set.add([block(2), block(4), block(2)])).toBe(2);
  expect(set.add([block(3), block(4)])).toBe(1);
  expect(numbers(set)).toEqual([4, 3, 2]);
});

test("wide numbers sort by value, and absent ones come last either way", () => {
  const set = new RowSet("block");
  set.add([block(1, "9"), block(2, "100000000000000000000"), block(3), block(4, "30")]);
  set.sort({ column: "base_fee_wei", isDescending: true });
  expect(numbers(set)).toEqual([2, 4, 1, 3]);
  set.sort({ column: "base_fee_wei", isDescending: false });
  expect(numbers(set)).toEqual([1, 4, 2, 3]);
  set.add([block(5, "20")]);
  expect(numbers(set)).toEqual([1, 5, 4, 2, 3]);
});

test("a few at a time give the same order as all at once", () => {
  const all = Array.from({ length: 500 }, (_, at) => block((at * 7919) % 1000, String((at * 31) % 97)));
  const [once, slowly] = [new RowSet("block"), new RowSet("block")];
  for (const set of [once, slowly]) set.sort({ column: "base_fee_wei", isDescending: true });
  once.add(all);
  for (let at = 0; at < all.length; at += 3) slowly.add(all.slice(at, at + 3));
  expect(slowly.rows).toEqual(once.rows);
});

test("what is too much is forgotten from the oldest on, and may come again", () => {
  const set = new RowSet("block", undefined, 10);
  set.add(Array.from({ length: 10 }, (_, at) => block(at)));
  expect(set.isCut).toBe(false);
  set.add([block(10)]);
  expect(numbers(set)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  expect(set.isCut).toBe(true);
  set.keep((row) => row["block_number"] !== 10);
  expect(set.add([block(0)])).toBe(1);
});

test("in another order, too, the oldest are forgotten", () => {
  const set = new RowSet("block", { column: "base_fee_wei", isDescending: true }, 10);
  set.add(Array.from({ length: 11 }, (_, at) => block(at, String((at * 7) % 11))));
  expect(set.rows.length).toBe(9);
  expect(Math.min(...set.rows.map((row) => Number(row["block_number"])))).toBe(2);
});

test("who has the rows as they were can go on with them", () => {
  const set = new RowSet("block");
  set.add([block(1)]);
  const before = set.rows;
  set.add([block(2)]);
  expect(before.map((row) => row["block_number"])).toEqual([1]);
});

test("an address names view, range and choice, and what cannot be read is the first view", () => {
  const place = { view: "pools", chosen: { id: "1~0xab", last: "5m" } };
  expect(placeOf(hashOf(place), ["now", "pools"])).toEqual(place);
  expect(placeOf("#/nonsense?x", ["now", "pools"]).view).toBe("now");
  expect(rangeOf({ last: "5m" })).toEqual({ last_s: 300 });
  expect(rangeOf({ start: "1", end: "2" })).toEqual({ start: "1", end: "2" });
  expect(rangeOf({ start: "x", end: "2" })).toEqual({ last_s: 3600 });
});

test("a book begins with its snapshot, and other connections say nothing of it", () => {
  const change = (
    sequence: number,
    cause: string,
    side: string,
    price: string,
    size: string,
    connection = "a",
  ): Row => ({
    connection,
    sequence,
    cause,
    side,
    price,
    size,
  });
  const book = new Book();
  book.apply([
    change(1, "change", "bid", "9.0", "5"),
    change(2, "snapshot", "bid", "1.50", "5"),
    change(2, "snapshot", "ask", "1.70", "2"),
    change(3, "change", "bid", "1.60", "1.0"),
    change(4, "change", "bid", "1.5", "0.000"),
    change(9, "change", "ask", "1.65", "9", "b"),
  ]);
  expect(book.levels("bid")).toEqual([{ price: "1.6", size: "1" }]);
  expect(book.levels("ask")).toEqual([{ price: "1.7", size: "2" }]);
  expect(spread("1.6", "1.7")).toBe("0.1");
  expect(spread(null, "1.7")).toBe(null);
  book.apply([change(12, "snapshot", "ask", "3", "1")]);
  expect(book.levels("bid")).toEqual([]);
});

test("liquidity by tick is what was added and not taken", () => {
  const change = (kind: string, liquidity: string, tick_lower: number, tick_upper: number): Row => ({
    kind,
    liquidity,
    tick_lower,
    tick_upper,
  });
  const steps = liquidityByTick([
    change("mint", "100", -10, 10),
    change("mint", "50", 0, 20),
    change("burn", "50", 0, 20),
  ]);
  expect(steps).toEqual([
    { tick: -10, liquidity: 100n },
    { tick: 10, liquidity: 0n },
  ]);
  expect(priceOf({ sqrt_price_x96: (2n ** 97n).toString() }, 6, 6)).toBe(4);
  expect(priceOf({ reserve0: "0", reserve1: "1" }, 6, 6)).toBe(null);
});

test("rates and quantiles are of what was counted in between", () => {
  const before = samplesOf(
    '# HELP x\nx_total{topic="a"} 10.0\nh_bucket{le="0.1"} 5\nh_bucket{le="+Inf"} 5\n',
  );
  const after = samplesOf(
    'x_total{topic="a"} 30.0\nx_total{topic="b\\"c"} 4\nh_bucket{le="0.1"} 6\nh_bucket{le="1.0"} 14\nh_bucket{le="+Inf"} 15\n',
  );
  expect(rates("x_total", "topic", before, after, 2)).toEqual(
    new Map([
      ["a", 10],
      ['b\\"c', 2],
    ]),
  );
  expect(quantile("h", 0.5, before, after)).toBe(1);
  expect(quantile("h", 0.5, after, after)).toBe(null);
});

test("moments keep their nanoseconds", () => {
  expect(shown("1772446507123456789", "UTC")).toBe("2026-03-02 10:15:07.123");
  expect(shown("1772446507123456789", "UTC", true)).toBe("2026-03-02 10:15:07.123456789");
});
