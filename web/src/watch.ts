// Follows one request to its end: by the server's event stream where there is
// one, by polling where there is none or where it breaks.

import { HordeError, type Check, type Horde, type ImageStatus, type JobProgress } from './api';

/** What a watcher is told. Exactly one of end and lost comes last. */
export interface Listener {
  status(check: Check): void;
  progress(progress: JobProgress): void;
  end(status: ImageStatus): void;
  /** The request cannot be followed any more: unknown or expired. */
  lost(error: HordeError): void;
  /** The server did not answer; the watcher goes on trying. */
  trouble?(error: HordeError): void;
}

/** Milliseconds between two polls, and the longest pause after failures. */
const POLL = 2000;
const LONGEST = 15_000;
/** How often a stream that worked and broke is opened again. */
const REOPEN = 3;

/**
 * Follows request id until it ends. The returned function stops at once and
 * silently.
 */
export function watch(horde: Horde, id: string, listener: Listener, Source = globalThis.EventSource): () => void {
  const stop = new AbortController();
  let reopened = 0;
  let source: EventSource | undefined;

  const finish = (report: () => void) => {
    if (stop.signal.aborted) return;
    stop.abort();
    source?.close();
    report();
  };

  const stream = () => {
    if (typeof Source !== 'function') return void poll();
    let worked = false;
    source = new Source(horde.eventsURL(id));
    const on = <T>(name: string, handle: (data: T) => void) =>
      source!.addEventListener(name, (event) => {
        if (stop.signal.aborted) return;
        const data = parse<T>((event as MessageEvent).data);
        if (data === undefined) return;
        worked = true;
        handle(data);
      });
    on<Check>('status', (check) => listener.status(check));
    on<JobProgress>('progress', (progress) => listener.progress(progress));
    on<ImageStatus>('end', (status) => finish(() => listener.end(status)));
    source.onerror = () => {
      source?.close();
      if (!stop.signal.aborted) void poll(worked && reopened < REOPEN);
    };
  };

  // One poll, then back to the stream if that is worth a try, else on polling.
  const poll = async (again = false) => {
    for (let pause = POLL; !stop.signal.aborted; ) {
      try {
        const check = await horde.check(id, stop.signal);
        if (check.done || check.faulted) {
          const status = await horde.status(id, stop.signal);
          return finish(() => listener.end(status));
        }
        listener.status(check);
        pause = POLL;
      } catch (error) {
        if (stop.signal.aborted) return;
        if (!(error instanceof HordeError)) throw error;
        if (error.status === 404 || error.status === 410) return finish(() => listener.lost(error));
        listener.trouble?.(error);
        pause = Math.max(Math.min(pause * 1.5, LONGEST), error.retryAfter * 1000);
      }
      await sleep(pause, stop.signal);
      if (again && !stop.signal.aborted) {
        reopened++;
        return stream();
      }
    }
  };

  stream();
  return () => {
    stop.abort();
    source?.close();
  };
}

function parse<T>(text: unknown): T | undefined {
  try {
    return JSON.parse(String(text)) as T;
  } catch {
    return undefined; // a line we do not understand is no reason to stop
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
