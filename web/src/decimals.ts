/** Arithmetic on decimal text, exact; nothing here makes a float of an amount. */

/** The value of digits, with the point moved left by `decimals`; no zero is lost that carries meaning. */
export function shifted(digits: string, decimals: number): string {
  const isNegative = digits.startsWith("-");
  const plain = (isNegative ? digits.slice(1) : digits).padStart(decimals + 1, "0");
  const whole = plain.slice(0, plain.length - decimals);
  const fraction = plain.slice(plain.length - decimals).replace(/0+$/, "");
  return `${isNegative ? "-" : ""}${whole}${fraction ? `.${fraction}` : ""}`;
}

/** Less than, equal to or greater than 0 as `a` is to `b`. */
export function compareExact(a: string, b: string): number {
  const [x, y] = aligned(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The sum of decimal texts. */
export function sum(values: Iterable<string>): string {
  let total = "0";
  for (const value of values) total = added(total, value);
  return total;
}

function added(a: string, b: string): string {
  const [x, y, places] = aligned(a, b);
  return shifted((x + y).toString(), places);
}

function aligned(a: string, b: string): [bigint, bigint, number] {
  const places = Math.max(placesOf(a), placesOf(b));
  return [scaled(a, places), scaled(b, places), places];
}

function placesOf(text: string): number {
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point - 1;
}

function scaled(text: string, places: number): bigint {
  return BigInt(text.replace(".", "") + "0".repeat(places - placesOf(text)));
}

/** Digits in groups of three before the point. */
export function grouped(text: string): string {
  const [whole = "", fraction] = text.split(".");
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return fraction === undefined ? spaced : `${spaced}.${fraction}`;
}

/** Without zeros at the end, which say nothing. */
export function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
