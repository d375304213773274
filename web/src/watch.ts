// Follows requests to their end: all of them over one stream of events, by polling
// where there is no stream or where it breaks.

import { HordeError, type Horde, type JobProgress, type RequestEnd, type RequestStatus } from './api';

/** What is heard of a request, or (reach) of the server. It can be sent between tabs. */
export type News =
  | { kind: 'status'; id: string; status: RequestStatus }
  | { kind: 'progress'; id: string; progress: JobProgress }
  | { kind: 'end'; id: string; status: RequestEnd }
  /** The request cannot be followed any more: unknown or expired. */
  | { kind: 'gone'; id: string; message: string }
  /** Whether the server answers; it is asked again and again while it does not. */
  | { kind: 'reach'; answers: boolean };

/** The most requests that one stream follows; the rest waits for places. */
export const MOST = 100;

/** The shortest time between two rounds of polls, and the longest after failures, ms. */
const ROUND = 2000;
const LONGEST = 5000;
/** The time between two polls of a round, ms: hordes allow ten checks a second. */
const APART = 250;
/** A server sends something every 10 s; a stream that is silent for so long is dead. Ms. */
const SILENCE = 25_000;
/** The shortest time between the openings of two streams that worked, ms. */
const STEADY = 3000;
/** The longest wait until streams are tried again where they do not work, ms. */
const REST = 60_000;

/** What was heard of a request last. */
interface Known {
  status?: RequestStatus;
  jobs: Map<string, JobProgress>;
}

/** How a stream ended. */
type Outcome =
  /** Other requests are to be followed, or none. */
  | { how: 'changed' }
  /** worked: it brought something; wait: how long not to try again, ms. */
  | { how: 'broke'; worked: boolean; wait: number };

/** Follows a changing set of requests until it is stopped. */
export class Watcher {
  #ids = new Set<string>();
  #change = new AbortController();
  #stop = new AbortController();
  #running = false;
  #answers = true;
  /** The newest status and progress of each request, for who comes later. */
  #known = new Map<string, Known>();

  constructor(
    private readonly horde: Horde,
    private readonly listener: (news: News) => void,
    /** Called whenever the server gives a sign of life. */
    private readonly alive: () => void = () => {},
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

  /** What is known of a request, as news. */
  known(id: string): News[] {
    const known = this.#known.get(id);
    const news: News[] = [{ kind: 'reach', answers: this.#answers }];
    if (known?.status) news.push({ kind: 'status', id, status: known.status });
    for (const progress of known?.jobs.values() ?? []) news.push({ kind: 'progress', id, progress });
    return news;
  }

  stop(): void {
    this.#stop.abort();
    this.#change.abort();
  }

  async #run(): Promise<void> {
    this.#running = true;
    let failed = 0; // streams in a row that brought nothing
    let notBefore = 0;
    while (this.#ids.size > 0 && !this.#stop.signal.aborted) {
      this.#change = new AbortController();
      try {
        if (Date.now() >= notBefore) {
          const opened = Date.now();
          const outcome = await this.#stream();
          if (outcome.how === 'changed') continue;
          failed = outcome.worked ? 0 : failed + 1;
          // After a stream that worked, the next one follows the first good poll.
          notBefore = outcome.worked
            ? opened + STEADY
            : Date.now() + Math.max(outcome.wait, Math.min(REST, ROUND * 2 ** (failed - 1)));
        }
        await this.#pollUntil(notBefore);
      } catch (error) {
        // Whatever it is, what is followed must not be forgotten for it.
        console.error(error);
        await sleep(LONGEST, this.#change.signal);
      }
    }
    this.#running = false;
  }

  /** A listener that throws is no reason to follow nothing any more. */
  #tell(news: News): void {
    safely(() => this.listener(news));
  }

  /** Reads one stream until it ends. */
  async #stream(): Promise<Outcome> {
    const ended = new AbortController();
    const end = () => ended.abort();
    const signals = [this.#stop.signal, this.#change.signal];
    for (const signal of signals) signal.addEventListener('abort', end);
    const silence = setTimer(SILENCE, end);
    let worked = false;
    let wait = 0;
    try {
      const response = await this.horde.events([...this.#ids].slice(0, MOST), ended.signal);
      for await (const { name, data } of eventsOf(response, silence.reset)) {
        if (ended.signal.aborted) break;
        worked = true;
        this.#heard();
        if (name) this.#take(name, data);
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
    for (let pause = ROUND; !signal.aborted && this.#ids.size > 0; ) {
      const outcome = await this.#round(signal);
      if (outcome === 'good') {
        if (Date.now() >= time) return;
        pause = ROUND;
        await sleep(pause, signal);
        continue;
      }

      // Those who lost the server together should not come back together.
      await sleep(Math.max(outcome, pause * (0.8 + Math.random() * 0.4)), signal);
      pause = Math.min(pause * 1.5, LONGEST);
    }
  }

  /** Asks for each request in turn. Anything but good: how long the server wants to be left alone, ms, or 0. */
  async #round(signal: AbortSignal): Promise<'good' | number> {
    for (const id of [...this.#ids]) {
      try {
        const status = await this.horde.check(id, signal);
        this.#heard();
        // Cancelled or given up, a request is done while workers still have jobs of it in hand.
        if ((status.faulted || status.done) && status.processing === 0) {
          this.#news({ kind: 'end', id, status: await this.horde.status(id, signal) });
        } else {
          this.#news({ kind: 'status', id, status });
        }
      } catch (error) {
        if (signal.aborted) return 0;
        if (!(error instanceof HordeError)) throw error;
        if (error.status === 404 || error.status === 410) {
          this.#heard();
          this.#news({ kind: 'gone', id, message: error.message });
          continue;
        }
        if (error.status !== 429) this.#lost();
        return error.retryAfter * 1000;
      }
      await sleep(APART, signal);
      if (signal.aborted) return 0;
    }
    return 'good';
  }

  #take(name: string, text: string): void {
    const data = parse<Record<string, unknown> & { request?: string }>(text);
    if (!data || typeof data.request !== 'string') return; // a line we do not understand is no reason to stop
    const id = data.request;
    if (name === 'status') this.#news({ kind: 'status', id, status: data as unknown as RequestStatus });
    if (name === 'progress') this.#news({ kind: 'progress', id, progress: data as unknown as JobProgress });
    if (name === 'end') this.#news({ kind: 'end', id, status: data as unknown as RequestEnd });
    if (name === 'gone') this.#news({ kind: 'gone', id, message: String(data.message ?? '') });
  }

  #news(news: Exclude<News, { kind: 'reach' }>): void {
    if (!this.#ids.has(news.id)) return;
    if (news.kind === 'end' || news.kind === 'gone') {
      if (this.#ids.size > MOST) this.#change.abort(); // its place is another's
      this.#forget(news.id);
    } else {
      const known: Known = this.#known.get(news.id) ?? { jobs: new Map() };
      this.#known.set(news.id, known);
      if (news.kind === 'progress') known.jobs.set(news.progress.job, news.progress);
      else {
        known.status = news.status;
        const running = news.status.jobs?.map((job) => job.job);
        for (const job of known.jobs.keys()) if (running && !running.includes(job)) known.jobs.delete(job);
      }
    }
    this.#tell(news);
  }

  #forget(id: string): void {
    this.#ids.delete(id);
    this.#known.delete(id);
  }

  #heard(): void {
    this.alive();
    if (this.#answers) return;
    this.#answers = true;
    this.#tell({ kind: 'reach', answers: true });
  }

  #lost(): void {
    this.alive(); // of the watcher: it goes on trying
    if (!this.#answers) return;
    this.#answers = false;
    this.#tell({ kind: 'reach', answers: false });
  }
}

/** Does something whose failure is its own affair: it is written to the console. */
export function safely(act: () => void): void {
  try {
    act();
  } catch (error) {
    console.error(error);
  }
}

/** The events of a stream; those without a name are its signs of life. */
async function* eventsOf(response: Response, chunk: () => void): AsyncGenerator<{ name: string; data: string }> {
  if (!response.body || !response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
    throw new HordeError('This horde has no event stream.', response.status);
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      chunk();
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop()!;
      for (const block of blocks) yield eventOf(block);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function eventOf(block: string): { name: string; data: string } {
  let name = '';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field, value] = /^(event|data): ?(.*)$/.exec(line) ?? [];
    if (field === 'event') name = value!;
    if (field === 'data') data.push(value!);
  }
  return { name, data: data.join('\n') };
}

function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

/** A timer that can be set back. */
function setTimer(ms: number, fire: () => void) {
  let timer = setTimeout(fire, ms);
  return {
    reset() {
      clearTimeout(timer);
      timer = setTimeout(fire, ms);
    },
    clear: () => clearTimeout(timer),
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
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
