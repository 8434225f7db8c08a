import { expect, test } from "vitest";
import { explorerLink } from "../src/explorers";

test("what a chain's explorer shows is linked, and nothing of a chain without one", () => {
  expect(explorerLink(137, "address", "0x1f")).toBe("https://polygonscan.com/address/0x1f");
  expect(explorerLink("1329", "tx", "0x2a")).toBe("https://seitrace.com/tx/0x2a");
  expect([explorerLink(31337, "tx", "0x2a"), explorerLink(undefined, "tx", "0x2a")]).toEqual([null, null]);
});
