import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HordeError, type HordeClient } from '../api/client';
import type { Check, ImageStatus, TextStatus } from '../api/types';
import { MAX_FOLLOWED, Watcher, type RequestEvent } from './watcher';

const waiting: Check = {
  finished: 0,
  processing: 0,
  restarted: 0,
  waiting: 1,
  done: false,
  faulted: false,
  wait_time: 9,
  queue_position: 3,
  kudos: 3,
  is_possible: true,
};
const finished: ImageStatus = { ...waiting, finished: 1, waiting: 0, done: true, generations: [], shared: false };
const down = new HordeError('No connection to the server.', 0);

/** A stream that the test speaks on. */
class Stream {
  control!: ReadableStreamDefaultController<Uint8Array>;
  response: Response;
  closed = false;
  constructor(
    readonly ids: string[],
    readonly signal: AbortSignal,
    type = 'text/event-stream; charset=utf-8',
  ) {
    const body = new ReadableStream<Uint8Array>({ start: (control) => void (this.control = control) });
    this.response = new Response(body, { headers: { 'Content-Type': type } });
    signal.addEventListener('abort', () => {
      this.closed = true;
      try {
        this.control.error(new DOMException('', 'AbortError'));
      } catch {
        // it is closed already
      }
    });
  }
  raw(text: string) {
    this.control.enqueue(new TextEncoder().encode(text));
  }
  say(name: string, request: string, data: object = {}) {
    this.raw(`event: ${name}\ndata: ${JSON.stringify({ request, ...data })}\n\n`);
  }
  end() {
    this.control.close();
  }
}

/** A horde: streams are what the test makes of them, checks come from a list, the last again and again. */
function makeHorde(...checks: (Check | HordeError)[]) {
  const streams: Stream[] = [];
  let at = 0;
  const asked: { id: string; at: number }[] = [];
  const horde = {
    streams,
    asked,
    refuse: undefined as HordeError | undefined,
    checks,
    async events(ids: string[], signal: AbortSignal) {
      if (horde.refuse) throw horde.refuse;
      const stream = new Stream(ids, signal);
      streams.push(stream);
      return stream.response;
    },
    async check(id: string) {
      asked.push({ id, at: Date.now() });
      const answer = horde.checks[Math.min(at++, horde.checks.length - 1)]!;
      if (answer instanceof HordeError) throw answer;
      return answer;
    },
    status: vi.fn(async () => finished),
    textStatus: vi.fn<(id: string) => Promise<TextStatus>>(async () => {
      throw new HordeError('Text Waiting Prompt not found', 404, 'RequestNotFound');
    }),
  };
  return horde;
}

function start(horde: ReturnType<typeof makeHorde>, ...ids: string[]) {
  const heard: RequestEvent[] = [];
  const watcher = new Watcher(horde as unknown as HordeClient, (event) => heard.push(event));
  watcher.follow(ids);
  return {
    watcher,
    heard,
    kinds: () =>
      heard.map((event) => (event.kind === 'connection' ? `connection ${event.answers}` : `${event.kind} ${event.id}`)),
  };
}
const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the watcher', () => {
  it('follows all requests over one stream, each to its end, and closes it', async () => {
    const horde = makeHorde(waiting);
    const { heard, kinds } = start(horde, 'a', 'b', 'c', 'd', 'e', 'f', 'g');
    await pass();
    expect(horde.streams).toHaveLength(1);
    const stream = horde.streams[0]!;
    expect(stream.ids).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    stream.raw('event: sta');
    stream.raw(`tus\ndata: {"request":"a","waiting":1}\n\n: keep-alive\n\nevent: progress\ndata: half a li\n\n`);
    stream.say('progress', 'a', { job: 'j', worker_name: 'w', step: 3, steps: 24 });
    stream.say('status', 'unheard of');
    stream.say('gone', 'b', { message: 'not found' });
    for (const id of ['c', 'd', 'e', 'f', 'g', 'a']) stream.say('end', id, finished);
    stream.say('status', 'a');
    await pass();
    expect(kinds()).toEqual(['status a', 'progress a', 'gone b', 'end c', 'end d', 'end e', 'end f', 'end g', 'end a']);
    expect(heard[1]).toMatchObject({ progress: { job: 'j', step: 3 } });
    await pass(60_000);
    expect(stream.closed).toBe(true);
    expect(horde.streams).toHaveLength(1);
    expect(horde.asked).toEqual([]);
  });

  it('opens one stream anew when a request is added', async () => {
    const horde = makeHorde(waiting);
    const { watcher } = start(horde, 'a');
    await pass();
    watcher.follow(['a', 'b']);
    await pass();
    expect(horde.streams.map((stream) => [stream.ids.join(), stream.closed])).toEqual([
      ['a', true],
      ['a,b', false],
    ]);
    watcher.follow(['b']);
    await pass();
    expect(horde.streams).toHaveLength(2);
    watcher.follow([]);
    await pass();
    expect(horde.streams[1]!.closed).toBe(true);
    expect(horde.asked).toEqual([]);
  });

  it('has places for so many, and gives them to the next', async () => {
    const horde = makeHorde(waiting);
    const ids = Array.from({ length: MAX_FOLLOWED + 2 }, (_, i) => `r${i}`);
    start(horde, ...ids);
    await pass();
    expect(horde.streams[0]!.ids).toEqual(ids.slice(0, MAX_FOLLOWED));
    horde.streams[0]!.say('end', 'r0', finished);
    await pass();
    expect(horde.streams[1]!.ids).toEqual(ids.slice(1, MAX_FOLLOWED + 1));
  });

  it('opens the stream again after every good poll, however often it breaks', async () => {
    const horde = makeHorde(waiting);
    start(horde, 'a');
    for (let i = 0; i < 8; i++) {
      await pass(4000);
      expect(horde.streams).toHaveLength(i + 1);
      horde.streams[i]!.say('status', 'a', waiting);
      await pass();
      horde.streams[i]!.end();
    }
  });

  it('says that the server is away and that it is back, and then takes the stream up at once', async () => {
    const horde = makeHorde(down);
    const { kinds } = start(horde, 'a', 'b');
    await pass();
    horde.streams[0]!.say('status', 'a', waiting);
    await pass(5000);
    horde.refuse = down;
    horde.streams[0]!.end();
    await pass(15_000);
    expect(kinds()).toEqual(['status a', 'connection false']);
    expect(horde.streams).toHaveLength(1);
    horde.checks = [waiting];
    horde.refuse = undefined;
    await pass(7000);
    expect(kinds()).toEqual(['status a', 'connection false', 'connection true', 'status a', 'status b']);
    expect(horde.streams).toHaveLength(2);
    horde.streams[1]!.say('progress', 'a', { job: 'j', step: 1, steps: 2 });
    await pass();
    expect(kinds().at(-1)).toBe('progress a');
  });

  it('takes a silent stream for a dead one', async () => {
    const horde = makeHorde(down);
    const { kinds } = start(horde, 'a');
    await pass();
    horde.streams[0]!.say('status', 'a', waiting);
    for (let i = 0; i < 4; i++) {
      await pass(20_000);
      horde.streams[0]!.raw(': keep-alive\n\n');
    }
    await pass(24_000);
    expect(kinds()).toEqual(['status a']);
    await pass(2000);
    expect(kinds()).toEqual(['status a', 'connection false']);
    expect(horde.streams[0]!.closed).toBe(true);
  });

  it('polls in turn where there is no stream, within the limits of the API', async () => {
    const horde = makeHorde(waiting);
    horde.refuse = new HordeError('64 event streams', 429, '', {}, 600);
    start(horde, ...Array.from({ length: 30 }, (_, i) => `r${i}`));
    await pass(60_000);
    expect(horde.asked.length).toBeGreaterThan(100);
    for (let i = 10; i < horde.asked.length; i++) {
      expect(horde.asked[i]!.at - horde.asked[i - 10]!.at).toBeGreaterThanOrEqual(1000);
    }
    expect(new Set(horde.asked.map(({ id }) => id)).size).toBe(30);
  });

  it('tries streams that never work more and more rarely', async () => {
    const horde = makeHorde(waiting);
    let tried = 0;
    horde.events = async () => {
      tried++;
      throw new HordeError('no', 404);
    };
    start(horde, 'a');
    await pass(30_000);
    expect(tried).toBeLessThan(6);
    await pass(600_000);
    expect(tried).toBeGreaterThan(10);
    expect(tried).toBeLessThan(20);
    expect(horde.asked.length).toBeGreaterThan(290);
  });

  it('polls a request for text by the call that knows it, which it finds out once', async () => {
    const horde = makeHorde(new HordeError('not found', 404, 'RequestNotFound'));
    horde.refuse = down;
    const text = { ...waiting, generations: [] };
    horde.textStatus.mockResolvedValueOnce(text).mockResolvedValueOnce({ ...text, processing: 1 });
    horde.textStatus.mockResolvedValueOnce({ ...text, done: true, finished: 1 });
    const { heard, kinds } = start(horde, 'a');
    await pass(10_000);
    expect(kinds()).toEqual(['status a', 'status a', 'end a']);
    expect(heard[2]).toMatchObject({ status: { done: true, generations: [] } });
    expect(horde.asked).toHaveLength(1);
    expect(horde.status).not.toHaveBeenCalled();
  });

  it('goes on after a cancel until all has come, and ends when the request is unknown', async () => {
    const cancelled = { ...finished, processing: 1 };
    const horde = makeHorde(cancelled, new HordeError('10 per 1 second', 429, '', {}, 7), {
      ...cancelled,
      processing: 0,
    });
    horde.refuse = new HordeError('no', 404);
    const { kinds } = start(horde, 'a');
    await pass(8000);
    expect(kinds()).toEqual(['status a']);
    await pass(2000);
    expect(kinds()).toEqual(['status a', 'end a']);

    const gone = makeHorde(new HordeError('not found', 404, 'RequestNotFound'));
    gone.refuse = new HordeError('no', 404);
    const other = start(gone, 'a');
    await pass();
    expect(other.kinds()).toEqual(['gone a']);
  });

  it('waits for what is in hand when a request is given up', async () => {
    const givenUp = { ...finished, finished: 0, faulted: true, restarted: 3, processing: 1 };
    const horde = makeHorde(givenUp, givenUp, { ...givenUp, finished: 1, processing: 0 });
    horde.refuse = new HordeError('no', 404);
    const { kinds } = start(horde, 'a');
    await pass(10_000);
    expect(horde.asked).toHaveLength(3);
    expect(kinds()).toEqual(['status a', 'status a', 'end a']);
  });

  it('goes on after a listener that throws, and after an error that it does not know', async () => {
    const complain = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const horde = makeHorde(waiting);
    horde.refuse = new HordeError('no', 404);
    const told: string[] = [];
    const watcher = new Watcher(horde as unknown as HordeClient, (event) => {
      told.push(event.kind);
      if (told.length === 1) throw new TypeError('a fault of the page');
    });
    watcher.follow(['a']);
    await pass(10_000);
    expect(told.length).toBeGreaterThan(2);
    expect(complain).toHaveBeenCalledTimes(1);

    const check = horde.check;
    horde.check = async () => {
      throw new TypeError('no horde says so');
    };
    await pass(20_000);
    expect(complain.mock.calls.length).toBeGreaterThan(1);
    horde.check = check;
    const before = told.length;
    await pass(20_000);
    expect(told.length).toBeGreaterThan(before);
    watcher.stop();
    complain.mockRestore();
  });

  it('tells a late comer what is known, without the steps of jobs that are over', async () => {
    const horde = makeHorde(waiting);
    const { watcher } = start(horde, 'a');
    await pass();
    const stream = horde.streams[0]!;
    stream.say('status', 'a', { ...waiting, jobs: [{ job: 'j' }] });
    stream.say('progress', 'a', { job: 'j', step: 3, steps: 9 });
    await pass();
    expect(watcher.known('a').map((event) => event.kind)).toEqual(['connection', 'status', 'progress']);
    stream.say('status', 'a', { ...waiting, jobs: [{ job: 'k' }] });
    await pass();
    expect(watcher.known('a').map((event) => event.kind)).toEqual(['connection', 'status']);
    expect(watcher.known('b').map((event) => event.kind)).toEqual(['connection']);
  });

  it('is silent once stopped', async () => {
    const horde = makeHorde(finished);
    const { watcher, heard } = start(horde, 'a');
    await pass();
    watcher.stop();
    await pass(60_000);
    expect(horde.streams[0]!.closed).toBe(true);
    expect(heard).toEqual([]);
    expect(horde.asked).toEqual([]);
  });
});
