/** Have the answer to a question in a component, asked again when the question changes or after some time. */

import { useEffect, useState } from "preact/hooks";
import { Fault } from "./api";

export interface Answered<T> {
  readonly value: T | null;
  readonly fault: Fault | null;
  again(): void;
}

/** `key` says when the question is another one; `every_ms` asks again, while the tab is seen. */
export function useAsked<T>(
  key: string,
  question: (signal: AbortSignal) => Promise<T>,
  every_ms?: number,
): Answered<T> {
  const [answer, tell] = useState<{ key: string; value: T | null; fault: Fault | null }>({
    key,
    value: null,
    fault: null,
  });
  const [times, again] = useState(0);
  useEffect(() => {
    const ended = new AbortController();
    const askNow = async () => {
      if (document.hidden) return;
      try {
        tell({ key, value: await question(ended.signal), fault: null });
      } catch (error) {
        if (ended.signal.aborted) return;
        if (!(error instanceof Fault)) throw error;
        tell((before) => ({ key, value: before.key === key ? before.value : null, fault: error }));
      }
    };
    void askNow();
    const every = every_ms === undefined ? 0 : setInterval(() => void askNow(), every_ms);
    return () => {
      ended.abort();
      clearInterval(every);
    };
  }, [key, times]);
  return {
    value: answer.key === key ? answer.value : null,
    fault: answer.fault,
    again: () => again((count) => count + 1),
  };
}
