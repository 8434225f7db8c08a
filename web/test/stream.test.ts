import { beforeEach, expect, test } from "vitest";
import { Stream, type Heard, type StreamState, type World } from "../src/stream";

/** Sockets that say what a test has them say. */
class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((closed: { code: number }) => void) | null = null;
  isClosed = false;
  constructor(readonly address: string) {}
  close(): void {
    this.isClosed = true;
  }
  tell(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

let sockets: FakeSocket[];
let waiting: (() => void)[];
let states: StreamState[];
let came: unknown[];
let begun: number;
let refused: number;
let isHidden: boolean;

const world: World = {
  address: async (cursor) => `ws://here?cursor=${cursor}`,
  open: (address) => {
    sockets.push(new FakeSocket(address));
    return sockets.at(-1) as unknown as WebSocket;
  },
  later: (_, then) => {
    waiting.push(then);
    return () => (waiting = waiting.filter((one) => one !== then));
  },
  isHidden: () => isHidden,
};
const heard: Heard = {
  onEvents: (events) => came.push(...events.map((event) => event["n"])),
  onBegin: () => (begun += 1),
  onState: (state) => states.push(state),
  onRefused: () => (refused += 1),
};

beforeEach(() => {
  [sockets, waiting, states, came, begun, refused, isHidden] = [[], [], [], [], 0, 0, false];
});

async function opened(stream: Stream): Promise<FakeSocket> {
  stream.turn();
  await Promise.resolve();
  await Promise.resolve();
  sockets.at(-1)!.onopen?.();
  return sockets.at(-1)!;
}

async function retried(): Promise<FakeSocket> {
  waiting.shift()?.();
  await Promise.resolve();
  await Promise.resolve();
  sockets.at(-1)!.onopen?.();
  return sockets.at(-1)!;
}

test("what was cut goes on after its last frame, without asking for the past again", async () => {
  const socket = await opened(new Stream(world, heard));
  expect(begun).toBe(0);
  socket.tell({ cursor: "c0" });
  expect(begun).toBe(1);
  socket.tell({ cursor: "c1", events: [{ n: 1 }, { n: 2 }] });
  socket.onclose?.({ code: 1006 });
  expect(states.at(-1)).toBe("lost");
  const again = await retried();
  expect(again.address).toBe("ws://here?cursor=c1");
  again.tell({ cursor: "c2", events: [{ n: 3 }] });
  expect(came).toEqual([1, 2, 3]);
  expect(begun).toBe(1);
  expect(states.at(-1)).toBe("live");
});

test("what the bus has no more is begun anew, and asked for", async () => {
  const socket = await opened(new Stream(world, heard));
  socket.tell({ cursor: "c1", events: [{ n: 1 }] });
  socket.tell({ fault: "Gap", message: "trimmed" });
  socket.onclose?.({ code: 4400 });
  const again = await retried();
  expect(again.address).toBe("ws://here?cursor=null");
  again.tell({ cursor: "d0" });
  expect(begun).toBe(2);
});

test("what was cut before anything came goes on from where it began", async () => {
  const socket = await opened(new Stream(world, heard));
  socket.tell({ cursor: "c0" });
  socket.onclose?.({ code: 1006 });
  expect((await retried()).address).toBe("ws://here?cursor=c0");
  expect(begun).toBe(1);
});

test("a slow reader goes on from its cursor", async () => {
  const socket = await opened(new Stream(world, heard));
  socket.tell({ cursor: "c7" });
  socket.tell({ fault: "Dropped", message: "slow" });
  socket.onclose?.({ code: 1013 });
  expect((await retried()).address).toBe("ws://here?cursor=c7");
});

test("a hidden tab has no socket, and goes on by its cursor when it is seen", async () => {
  const stream = new Stream(world, heard);
  const socket = await opened(stream);
  socket.tell({ cursor: "c1", events: [{ n: 1 }] });
  isHidden = true;
  stream.turn();
  expect(socket.isClosed).toBe(true);
  expect(states.at(-1)).toBe("resting");
  socket.tell({ cursor: "c2", events: [{ n: 2 }] });
  socket.onclose?.({ code: 1005 });
  expect(came).toEqual([1]);
  expect(waiting).toEqual([]);
  isHidden = false;
  expect((await opened(stream)).address).toBe("ws://here?cursor=c1");
});

test("who is let in no more is told so", async () => {
  const socket = await opened(new Stream(world, heard));
  socket.onclose?.({ code: 1008 });
  expect(refused).toBe(1);
});

test("a stream that was ended stays so", async () => {
  const stream = new Stream(world, heard);
  const socket = await opened(stream);
  stream.end();
  socket.onclose?.({ code: 1006 });
  stream.turn();
  expect(waiting).toEqual([]);
  expect(sockets.length).toBe(1);
});
