import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

/** What the server answers, by the last part of the path. */
const ANSWERS: Record<string, unknown> = {
  heartbeat: { message: 'OK', version: '1.0.0', db_connection: true },
  performance: { worker_count: 0, text_worker_count: 0, interrogator_count: 0, queued_requests: 0 },
  'models?type=image': [
    { name: 'b', count: 1 },
    { name: 'a', count: 1 },
    { name: 'c', count: 2 },
  ],
  modes: { maintenance_mode: false },
};

type Mode = 'answers' | 'refuses connections' | 'is silent';

let mode: Mode;
let calls: number;
const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

/** A status of its own for each test, followed by a page that is seen. */
async function followedStatus() {
  vi.resetModules();
  const { hordeStatus } = await import('./hordeStatus.svelte');
  hordeStatus.follow();
  await pass();
  return hordeStatus;
}

beforeEach(() => {
  vi.useFakeTimers();
  mode = 'answers';
  calls = 0;
  const target = { hidden: false, addEventListener() {}, removeEventListener() {} };
  vi.stubGlobal('document', target);
  vi.stubGlobal('addEventListener', target.addEventListener);
  vi.stubGlobal('fetch', async (url: string) => {
    calls++;
    if (mode === 'refuses connections') throw new TypeError('failed to fetch');
    if (mode === 'is silent') await new Promise(() => {});
    return new Response(JSON.stringify(ANSWERS[url.split('/').at(-1)!]));
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('the status of the horde', () => {
  it('is refreshed every 15 s, the models with the most workers first', async () => {
    const status = await followedStatus();
    expect(status.state.level).toBe('idle');
    expect(status.models?.map(({ name }) => name)).toEqual(['c', 'a', 'b']);
    expect(calls).toBe(4);

    await pass(14_000);
    expect(calls).toBe(4);
    await pass(2000);
    expect(calls).toBe(8);
  });

  it('asks a server that does not answer again and again, and counts its return', async () => {
    mode = 'refuses connections';
    const status = await followedStatus();
    expect(status.state.title).toBe('The server does not answer');

    await pass(10_000);
    expect(calls).toBe(4 * 4); // at 0 s, 1.5 s, 3.75 s and 7.1 s
    mode = 'answers';
    await pass(15_000);
    expect(status.state.level).toBe('idle');
    expect(status.recoveries).toBe(1);
  });

  it.each<Mode>(['refuses connections', 'is silent'])(
    'has no outage once anybody was answered, after a server that %s',
    async (outage) => {
      const status = await followedStatus();
      mode = outage;
      await pass(60_000);
      expect(status.state.level).toBe('down');

      // The next refresh is seconds away, or one that began in the outage still waits.
      mode = 'answers';
      status.serverAnswered();
      expect(status.state.level).toBe('idle');
      await pass(1);
      expect(status.recoveries).toBe(1);
      await pass(60_000);
      expect(status.state.level).toBe('idle');
    },
  );

  it('keeps a refusal until it is withdrawn, whoever else is answered', async () => {
    const status = await followedStatus();
    vi.stubGlobal('fetch', async () => new Response('{"message":"90 per 1 minute"}', { status: 429 }));
    await pass(16_000);
    expect(status.state.title).toBe('The server answers only in part');
    status.serverAnswered();
    expect(status.state.title).toBe('The server answers only in part');
  });
});
