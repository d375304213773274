import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HordeError, type Check, type Horde, type ImageStatus } from './api';
import { watch, type Listener } from './watch';

const waiting: Check = {
  finished: 0, processing: 0, restarted: 0, waiting: 1, done: false, faulted: false,
  wait_time: 9, queue_position: 3, kudos: 3, is_possible: true,
};
const finished: ImageStatus = { ...waiting, finished: 1, waiting: 0, done: true, generations: [], shared: false };

class FakeSource extends EventTarget {
  static made: FakeSource[] = [];
  onerror: (() => void) | null = null;
  closed = false;
  constructor(readonly url: string) {
    super();
    FakeSource.made.push(this);
  }
  close() {
    this.closed = true;
  }
  say(name: string, data: unknown) {
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    this.dispatchEvent(Object.assign(new Event(name), { data: text }));
  }
}
const Source = FakeSource as unknown as typeof EventSource;

/** A horde whose checks are answered from a list, the last again and again. */
function hordeWith(...checks: (Check | HordeError)[]) {
  let at = 0;
  return {
    eventsURL: (id: string) => `/events/${id}`,
    check: vi.fn(async () => {
      const answer = checks[Math.min(at++, checks.length - 1)]!;
      if (answer instanceof HordeError) throw answer;
      return answer;
    }),
    status: vi.fn(async () => finished),
  } as unknown as Horde & { check: ReturnType<typeof vi.fn>; status: ReturnType<typeof vi.fn> };
}

function listener() {
  return { status: vi.fn(), progress: vi.fn(), end: vi.fn(), lost: vi.fn(), trouble: vi.fn() } satisfies Listener;
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSource.made = [];
});
afterEach(() => vi.useRealTimers());

describe('watch', () => {
  it('passes the stream on and closes it at the end', () => {
    const heard = listener();
    watch(hordeWith(waiting), 'r1', heard, Source);
    const source = FakeSource.made[0]!;
    expect(source.url).toBe('/events/r1');
    source.say('status', waiting);
    source.say('progress', { job: 'j', worker_name: 'w', step: 3, steps: 24 });
    source.say('progress', 'half a li');
    source.say('end', finished);
    source.say('status', waiting);
    expect(heard.status).toHaveBeenCalledExactlyOnceWith(waiting);
    expect(heard.progress).toHaveBeenCalledExactlyOnceWith({ job: 'j', worker_name: 'w', step: 3, steps: 24 });
    expect(heard.end).toHaveBeenCalledExactlyOnceWith(finished);
    expect(source.closed).toBe(true);
  });

  it('polls every two seconds where there is no stream', async () => {
    const heard = listener();
    const horde = hordeWith(waiting, waiting, { ...finished });
    watch(horde, 'r1', heard, Source);
    FakeSource.made[0]!.onerror!();
    await vi.advanceTimersByTimeAsync(0);
    expect(horde.check).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1999);
    expect(horde.check).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(2001);
    expect(heard.status).toHaveBeenCalledTimes(2);
    expect(heard.end).toHaveBeenCalledExactlyOnceWith(finished);
    expect(FakeSource.made).toHaveLength(1);
  });

  it('polls where the browser has no EventSource', async () => {
    const heard = listener();
    watch(hordeWith(finished), 'r1', heard, undefined as unknown as typeof EventSource);
    await vi.advanceTimersByTimeAsync(0);
    expect(heard.end).toHaveBeenCalledOnce();
  });

  it('opens a stream that broke again, three times, then keeps polling', async () => {
    const heard = listener();
    const horde = hordeWith(waiting);
    const stop = watch(horde, 'r1', heard, Source);
    for (let i = 0; i < 4; i++) {
      expect(FakeSource.made).toHaveLength(i + 1);
      FakeSource.made[i]!.say('status', waiting);
      FakeSource.made[i]!.onerror!();
      await vi.advanceTimersByTimeAsync(2000);
    }
    await vi.advanceTimersByTimeAsync(20_000);
    expect(FakeSource.made).toHaveLength(4);
    const asked = horde.check.mock.calls.length;
    expect(asked).toBeGreaterThan(10);
    stop();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(horde.check).toHaveBeenCalledTimes(asked);
  });

  it('goes on through trouble, waits as long as it is told, and ends when the request is unknown', async () => {
    const heard = listener();
    const down = new HordeError('down', 0);
    const slow = new HordeError('10 per 1 second', 429, '', {}, 7);
    const gone = new HordeError('not found', 404, 'RequestNotFound');
    const horde = hordeWith(down, slow, gone);
    watch(horde, 'r1', heard, Source);
    FakeSource.made[0]!.onerror!();
    await vi.advanceTimersByTimeAsync(3000);
    expect(heard.trouble.mock.calls.map(([error]) => error)).toEqual([down, slow]);
    await vi.advanceTimersByTimeAsync(6900);
    expect(heard.lost).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(200);
    expect(heard.lost).toHaveBeenCalledExactlyOnceWith(gone);
    expect(heard.end).not.toHaveBeenCalled();
  });

  it('is silent once stopped', async () => {
    const heard = listener();
    const stop = watch(hordeWith(finished), 'r1', heard, Source);
    stop();
    FakeSource.made[0]!.say('end', finished);
    FakeSource.made[0]!.onerror!();
    await vi.advanceTimersByTimeAsync(5000);
    expect(heard.end).not.toHaveBeenCalled();
    expect(FakeSource.made[0]!.closed).toBe(true);
  });
});
