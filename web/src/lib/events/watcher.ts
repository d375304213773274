// Follows requests to their end: all of them over one stream of events, by polling
// where there is no stream or where it breaks.

import { HordeError, type HordeClient } from '../api/client';
import type { JobProgress, RequestEnd, RequestGone, RequestStatus, TextEnd } from '../api/types';
import { sleep } from '../timeout';
import { eventsOf } from './stream';

/** What is heard of a request or, by `connection`, of the server. Tabs send it to each other. */
export type RequestEvent =
  | { kind: 'status'; id: string; status: RequestStatus }
  | { kind: 'progress'; id: string; progress: JobProgress }
  /** A request for images ends as one, one for text as the other. */
  | { kind: 'end'; id: string; status: RequestEnd | TextEnd }
  /** The request cannot be followed any more: unknown or expired. */
  | { kind: 'gone'; id: string; message: string }
  /** Whether the server answers; it is asked again and again while it does not. */
  | { kind: 'connection'; answers: boolean };

/** The most requests that one stream follows; the others wait until one of them has ended. */
export const MAX_FOLLOWED = 100;

/** The shortest time between two rounds of polls, and the longest after failures, ms. */
const POLL_INTERVAL = 2000;
const MAX_POLL_INTERVAL = 5000;
/** The time between two polls of a round, ms: hordes allow ten checks a second. */
const POLL_SPACING = 250;
/** A server sends something every 10 s; a stream that is silent for so long is dead. Ms. */
const STREAM_SILENCE = 25_000;
/** The shortest time between the openings of two streams that worked, ms. */
const STREAM_INTERVAL = 3000;
/** The longest wait until streams are tried again where they do not work, ms. */
const MAX_STREAM_PAUSE = 60_000;

/** What was heard of a request last. */
interface Known {
  status?: RequestStatus;
  /** Progress by job id. */
  jobs: Map<string, JobProgress>;
}

/** How a stream ended. */
type Outcome =
  /** Other requests are to be followed, or none. */
  | { how: 'changed' }
  /** worked: it brought something; wait: how long not to try again, ms. */
  | { how: 'broke'; worked: boolean; wait: number };

/** How a round of polls went. wait: how long the server wants to be left alone, ms, or 0. */
type Round = { ok: true } | { ok: false; wait: number };

/** Follows a changing set of requests until it is stopped. */
export class Watcher {
  #ids = new Set<string>();
  #change = new AbortController();
  #stop = new AbortController();
  #running = false;
  #answers = true;
  /** The requests for text, as far as polling found them out. */
  #texts = new Set<string>();
  /** The newest status and progress of each request, for tabs that join later. */
  #known = new Map<string, Known>();

  constructor(
    private readonly client: HordeClient,
    private readonly listener: (event: RequestEvent) => void,
    /** Called whenever the watcher shows that it is at work. */
    private readonly onSign: () => void = () => {},
  ) {}

  /** Follows these requests from now on. Those that have ended are forgotten. */
  follow(ids: Iterable<string>): void {
    const wanted = new Set(ids);
    const added = [...wanted].some((id) => !this.#ids.has(id));
    for (const id of this.#ids) if (!wanted.has(id)) this.#forget(id);
    this.#ids = wanted;

    if (added || wanted.size === 0) this.#change.abort();
    if (!this.#running && wanted.size > 0) void this.#run();
  }

  /** What is known of a request, as events. */
  known(id: string): RequestEvent[] {
    const events: RequestEvent[] = [{ kind: 'connection', answers: this.#answers }];
    const known = this.#known.get(id);
    if (known?.status) events.push({ kind: 'status', id, status: known.status });
    for (const progress of known?.jobs.values() ?? []) events.push({ kind: 'progress', id, progress });
    return events;
  }

  stop(): void {
    this.#stop.abort();
    this.#change.abort();
  }

  async #run(): Promise<void> {
    this.#running = true;
    let failures = 0; // streams in a row that brought nothing
    let notBefore = 0;

    while (this.#ids.size > 0 && !this.#stop.signal.aborted) {
      this.#change = new AbortController();
      try {
        if (Date.now() >= notBefore) {
          const opened = Date.now();
          const outcome = await this.#stream();
          if (outcome.how === 'changed') continue;

          // After a stream that worked, the next one follows the first good poll.
          failures = outcome.worked ? 0 : failures + 1;
          const pause = Math.min(MAX_STREAM_PAUSE, POLL_INTERVAL * 2 ** (failures - 1));
          notBefore = outcome.worked ? opened + STREAM_INTERVAL : Date.now() + Math.max(outcome.wait, pause);
        }
        await this.#pollUntil(notBefore);
      } catch (error) {
        // Whatever it is, the requests must not be given up for it.
        console.error(error);
        await sleep(MAX_POLL_INTERVAL, this.#change.signal);
      }
    }
    this.#running = false;
  }

  /** Reads one stream until it ends. */
  async #stream(): Promise<Outcome> {
    const ended = new AbortController();
    const end = () => ended.abort();
    const signals = [this.#stop.signal, this.#change.signal];
    for (const signal of signals) signal.addEventListener('abort', end);
    const silence = startTimer(STREAM_SILENCE, end);

    let worked = false;
    let wait = 0;
    try {
      const response = await this.client.events([...this.#ids].slice(0, MAX_FOLLOWED), ended.signal);
      for await (const { name, data } of eventsOf(response, silence.restart)) {
        if (ended.signal.aborted) break;
        worked = true;
        this.#markAnswered();
        if (name) this.#read(name, data);
      }
    } catch (error) {
      if (error instanceof HordeError) wait = error.retryAfter * 1000;
    } finally {
      silence.clear();
      for (const signal of signals) signal.removeEventListener('abort', end);
      ended.abort();
    }

    const changed = signals.some((signal) => signal.aborted) || this.#ids.size === 0;
    return changed ? { how: 'changed' } : { how: 'broke', worked, wait };
  }

  /** Polls in rounds, until one was good and it is time (ms) for a stream. */
  async #pollUntil(time: number): Promise<void> {
    const signal = this.#change.signal;
    let pause = POLL_INTERVAL;
    while (!signal.aborted && this.#ids.size > 0) {
      const round = await this.#poll(signal);
      if (round.ok) {
        if (Date.now() >= time) return;
        pause = POLL_INTERVAL;
        await sleep(pause, signal);
        continue;
      }

      // Pages that lost the server together should not come back together.
      const jittered = pause * (0.8 + Math.random() * 0.4);
      await sleep(Math.max(round.wait, jittered), signal);
      pause = Math.min(pause * 1.5, MAX_POLL_INTERVAL);
    }
  }

  /** Asks for each request in turn. */
  async #poll(signal: AbortSignal): Promise<Round> {
    for (const id of [...this.#ids]) {
      try {
        await this.#pollOne(id, signal);
      } catch (error) {
        if (signal.aborted) return { ok: false, wait: 0 };
        if (!(error instanceof HordeError)) throw error;

        const gone = error.status === 404 || error.status === 410;
        if (!gone) {
          if (error.status !== 429) this.#markLost();
          return { ok: false, wait: error.retryAfter * 1000 };
        }
        this.#markAnswered();
        this.#publish({ kind: 'gone', id, message: error.message });
        continue;
      }

      await sleep(POLL_SPACING, signal);
      if (signal.aborted) return { ok: false, wait: 0 };
    }
    return { ok: true };
  }

  async #pollOne(id: string, signal: AbortSignal): Promise<void> {
    if (this.#texts.has(id)) return this.#pollText(id, signal);
    try {
      const status = await this.client.check(id, signal);
      this.#markAnswered();
      if (!hasEnded(status)) return this.#publish({ kind: 'status', id, status });
    } catch (error) {
      // Requests for text have a call of their own, which knows an id that this one does not.
      if (!(error instanceof HordeError) || error.status !== 404) throw error;
      this.#texts.add(id);
      return this.#pollText(id, signal);
    }
    this.#publish({ kind: 'end', id, status: await this.client.status(id, signal) });
  }

  async #pollText(id: string, signal: AbortSignal): Promise<void> {
    const status = await this.client.textStatus(id, signal);
    this.#markAnswered();
    this.#publish({ kind: hasEnded(status) ? 'end' : 'status', id, status });
  }

  /** Reads an event of the stream. Names that this page does not know are skipped. */
  #read(name: string, text: string): void {
    const data = parseJSON<{ request?: string }>(text);
    if (typeof data?.request !== 'string') return; // one line that is not understood is no reason to stop

    const id = data.request;
    if (name === 'status') this.#publish({ kind: 'status', id, status: data as RequestStatus });
    if (name === 'progress') this.#publish({ kind: 'progress', id, progress: data as JobProgress });
    if (name === 'end') this.#publish({ kind: 'end', id, status: data as RequestEnd });
    if (name === 'gone') this.#publish({ kind: 'gone', id, message: (data as RequestGone).message ?? '' });
  }

  /** Remembers an event of a request, and tells it. */
  #publish(event: Exclude<RequestEvent, { kind: 'connection' }>): void {
    if (!this.#ids.has(event.id)) return;

    if (event.kind === 'end' || event.kind === 'gone') {
      if (this.#ids.size > MAX_FOLLOWED) this.#change.abort(); // another one gets its place
      this.#forget(event.id);
    } else {
      this.#remember(event);
    }
    this.#tell(event);
  }

  #remember(event: Extract<RequestEvent, { kind: 'status' | 'progress' }>): void {
    const known: Known = this.#known.get(event.id) ?? { jobs: new Map() };
    this.#known.set(event.id, known);
    if (event.kind === 'progress') {
      known.jobs.set(event.progress.job, event.progress);
      return;
    }

    known.status = event.status;
    const running = event.status.jobs?.map(({ job }) => job);
    for (const job of known.jobs.keys()) if (running && !running.includes(job)) known.jobs.delete(job);
  }

  #forget(id: string): void {
    this.#ids.delete(id);
    this.#texts.delete(id);
    this.#known.delete(id);
  }

  #markAnswered(): void {
    this.onSign();
    if (this.#answers) return;
    this.#answers = true;
    this.#tell({ kind: 'connection', answers: true });
  }

  #markLost(): void {
    this.onSign(); // the watcher goes on trying
    if (!this.#answers) return;
    this.#answers = false;
    this.#tell({ kind: 'connection', answers: false });
  }

  /** A listener that throws must not end the following. */
  #tell(event: RequestEvent): void {
    safely(() => this.listener(event));
  }
}

/** Cancelled or given up, a request is done while workers still have jobs of it in hand. */
function hasEnded(status: RequestStatus): boolean {
  return (status.faulted || status.done) && status.processing === 0;
}

/** Does something that must not fail its caller: what it throws goes to the console. */
export function safely(act: () => void): void {
  try {
    act();
  } catch (error) {
    console.error(error);
  }
}

function parseJSON<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

/** A timer that can be restarted. */
function startTimer(ms: number, fire: () => void) {
  let timer = setTimeout(fire, ms);
  return {
    restart() {
      clearTimeout(timer);
      timer = setTimeout(fire, ms);
    },
    clear: () => clearTimeout(timer),
  };
}
