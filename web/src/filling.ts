/** Ask the store again after a stream began, for it may have had less by then than the bus had told. */

const AFTER_MS = [2_000, 5_000, 10_000];

export class Filling {
  private timers: number[] = [];
  /** How often it is still to be asked since the beginning. */
  private left = 0;
  private isDue = false;

  constructor(
    private readonly fill: () => Promise<void>,
    /** Called once nothing that came since the beginning can be lacking. */
    private readonly onFilled: () => void = () => undefined,
  ) {}

  begin(): void {
    this.end();
    this.left = AFTER_MS.length;
    this.timers = AFTER_MS.map((after_ms) =>
      window.setTimeout(() => {
        this.left -= 1;
        void this.ask();
      }, after_ms),
    );
  }

  /** Fill now; a hidden tab asks nothing: then it is asked when it is seen. */
  async ask(): Promise<void> {
    this.isDue = document.hidden;
    if (this.isDue) return;
    await this.fill();
    if (this.left === 0) this.onFilled();
  }

  /** Take note that the tab was hidden, or is seen again. */
  turn(): void {
    if (this.isDue && !document.hidden) void this.ask();
  }

  end(): void {
    for (const timer of this.timers) clearTimeout(timer);
  }
}
