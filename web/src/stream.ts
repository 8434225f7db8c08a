/** One topic as it comes, over a WebSocket: goes on by its cursor after any cut, and rests while the tab is hidden. */

import { parseExact } from "./exact_json";

export type StreamState = "connecting" | "live" | "lost" | "resting";

/** What a stream needs of the world; a test hands in its own. */
export interface World {
  /** The address to connect to, with a ticket where one is needed. */
  address(cursor: string | null): Promise<string>;
  open(address: string): WebSocket;
  /** Call `then` after so long; returns what takes it back. */
  later(ms: number, then: () => void): () => void;
  isHidden(): boolean;
}

export interface Heard {
  /** What came, in order: nothing left out or repeated since the last call. */
  onEvents(events: Record<string, unknown>[]): void;
  /** It begins from now, without a cursor: what came before has to be asked for. */
  onBegin(): void;
  onState(state: StreamState): void;
  /** The socket was closed because who opened it may not any more. */
  onRefused(): void;
}

interface Frame {
  cursor?: string;
  events?: Record<string, unknown>[];
  fault?: string;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4_000;
const POLICY_VIOLATION = 1008;

export class Stream {
  private cursor: string | null = null;
  private socket: WebSocket | null = null;
  private takeBack: (() => void) | null = null;
  private wait_ms = FIRST_WAIT_MS;
  private isEnded = false;
  /** Counts attempts, so that what comes of an earlier one is ignored. */
  private attempt = 0;

  constructor(
    private readonly world: World,
    private readonly heard: Heard,
  ) {}

  /** Begin, or go on; call it again when the tab is shown or hidden. */
  turn(): void {
    if (this.isEnded) return;
    if (this.world.isHidden()) {
      this.cut();
      this.heard.onState("resting");
    } else if (this.socket === null && this.takeBack === null) {
      void this.connect();
    }
  }

  end(): void {
    this.isEnded = true;
    this.cut();
  }

  private cut(): void {
    this.attempt += 1;
    this.takeBack?.();
    this.takeBack = null;
    this.socket?.close();
    this.socket = null;
  }

  private async connect(): Promise<void> {
    const attempt = ++this.attempt;
    this.takeBack = () => {};
    let address: string;
    try {
      address = await this.world.address(this.cursor);
    } catch {
      if (attempt === this.attempt) this.retry();
      return;
    }
    if (attempt !== this.attempt) return;
    this.takeBack = null;
    this.socket = this.world.open(address);
    this.listen(this.socket, attempt);
  }

  private listen(socket: WebSocket, attempt: number): void {
    let fault: string | null = null;
    let isBeginning = false;
    socket.onopen = () => {
      if (attempt !== this.attempt) return;
      this.heard.onState("live");
      isBeginning = this.cursor === null;
    };
    socket.onmessage = (message: MessageEvent<string>) => {
      if (attempt !== this.attempt) return;
      const frame = parseExact(message.data) as Frame;
      fault = frame.fault ?? null;
      this.wait_ms = FIRST_WAIT_MS;
      this.cursor = frame.cursor ?? this.cursor;
      if (isBeginning && frame.cursor !== undefined) {
        isBeginning = false; // from here on nothing is missed: what was before can be asked for
        this.heard.onBegin();
      }
      if (frame.events?.length) this.heard.onEvents(frame.events);
    };
    socket.onclose = (closed: CloseEvent) => {
      if (attempt !== this.attempt) return;
      this.socket = null;
      // what the cursor names is gone, or is another bus's: begin anew, and ask for what was before
      if (fault === "Gap" || fault === "Refused") this.cursor = null;
      if (closed.code === POLICY_VIOLATION) this.heard.onRefused();
      this.retry();
    };
  }

  private retry(): void {
    this.heard.onState("lost");
    this.takeBack = this.world.later(this.wait_ms, () => {
      this.takeBack = null;
      this.turn();
    });
    this.wait_ms = Math.min(2 * this.wait_ms, LONGEST_WAIT_MS);
  }
}
