// Time limits for calls.

export interface TimeLimit {
  signal: AbortSignal;
  /** Reports whether the time ran out, rather than the outer signal having fired. */
  timedOut(): boolean;
  clear(): void;
}

/** A signal that fires with another one, or after a time (ms). */
export function withTimeout(outer: AbortSignal | undefined, ms: number): TimeLimit {
  const inner = new AbortController();
  const forward = () => inner.abort(outer?.reason);

  let late = false;
  const timer = setTimeout(() => {
    late = true;
    inner.abort();
  }, ms);

  if (outer?.aborted) forward();
  outer?.addEventListener('abort', forward);
  return {
    signal: inner.signal,
    timedOut: () => late,
    clear() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', forward);
    },
  };
}

/** Resolves after a time (ms), or at once when the signal fires. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }

    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
}
