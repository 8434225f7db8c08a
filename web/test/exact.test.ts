import { describe, expect, test } from "vitest";
import { compareExact, grouped, shifted, sum, trimmed } from "../src/decimals";
import { parseExact } from "../src/exact_json";

describe("JSON", () => {
  test("whole numbers past 15 digits stay exact, others are numbers", () => {
    const told = parseExact(
      '{"event_ns":1795316324000000001,"n":[-12345678901234567890,7],"f":0.12345678901234567}',
    );
    expect(told).toEqual({
      event_ns: "1795316324000000001",
      n: ["-12345678901234567890", 7],
      f: 0.12345678901234567,
    });
  });
  test("digits inside of text are not touched", () => {
    const value = {
      cause: 'block: 12345678901234567890, "quoted": 99999999999999999999',
      path: "a\\",
      last: "x",
    };
    expect(parseExact(JSON.stringify(value))).toEqual(value);
  });
  test("any value that needs no more than 15 digits is read as JSON.parse does", () => {
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
    const make = (depth: number): unknown => {
      const kind = random(depth > 3 ? 4 : 6);
      if (kind === 0) return random(1e9) - 5e8;
      if (kind === 1) return (random(1e9) - 5e8) / 1e5;
      if (kind === 2) return '\\"{},:12345678901234567890é\n'.slice(random(20));
      if (kind === 3) return [true, false, null][random(3)];
      if (kind === 4) return Array.from({ length: random(5) }, () => make(depth + 1));
      return Object.fromEntries(Array.from({ length: random(5) }, (_, at) => [`k"${at}`, make(depth + 1)]));
    };
    for (let times = 0; times < 500; times += 1) {
      const text = JSON.stringify(make(0));
      expect(parseExact(text)).toEqual(JSON.parse(text));
    }
  });
});

describe("decimals", () => {
  test.each([
    ["1", 18, "0.000000000000000001"],
    ["1000000000000000000", 18, "1"],
    ["-1500", 3, "-1.5"],
    ["0", 18, "0"],
    ["42", 0, "42"],
    [
      "115792089237316195423570985008687907853269984665640564039457584007913129639935",
      18,
      "115792089237316195423570985008687907853269984665640564039457.584007913129639935",
    ],
  ])("%s with the point moved by %i is %s", (digits, decimals, expected) => {
    expect(shifted(digits, decimals)).toBe(expected);
  });
  test("order and sums are exact where a double's are not", () => {
    expect(compareExact("9007199254740993", "9007199254740992")).toBe(1);
    expect(compareExact("-0.5", "-0.25")).toBe(-1);
    expect(compareExact("1.50", "1.5")).toBe(0);
    expect(sum(["0.1", "0.2"])).toBe("0.3");
    expect(sum(["-0.000000000000000001", "1"])).toBe("0.999999999999999999");
  });
  test("zeros that say nothing are left out, those that do are not", () => {
    expect([trimmed("1.500"), trimmed("10.0"), trimmed("100")]).toEqual(["1.5", "10", "100"]);
    expect(grouped("-1234567.8901")).toBe("-1\u202f234\u202f567.8901");
  });
});
