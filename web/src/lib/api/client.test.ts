import { describe, expect, it, vi } from 'vitest';
import { defaultSettings, toRequestBody } from '../settings';
import { ANONYMOUS_KEY, HordeClient, HordeError } from './client';

interface Seen {
  url: string;
  init: RequestInit;
}

function hordeThat(status: number, body: unknown, headers: Record<string, string> = {}) {
  const seen: Seen[] = [];
  const horde = new HordeClient(
    () => 'my-key',
    'horde-web:1.0:test',
    'http://horde.test',
    async (url, init) => {
      seen.push({ url: String(url), init: init ?? {} });
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      return new Response(text, { status, headers });
    },
  );
  return { horde, seen };
}

const request = toRequestBody({ ...defaultSettings(), prompt: 'a fox' });
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error as HordeError,
  );

describe('the client', () => {
  it('asks for the newest movements of a key', async () => {
    const movements = [{ at: '2026-11-25T09:00:00Z', text: 'Awarded by alice#1', amount: 5, balance: 12 }];
    const { horde, seen } = hordeThat(200, { username: 'bob#2', movements });
    expect(await horde.history('bobs-key', 5)).toMatchObject({ movements });
    expect(seen[0]!.url).toBe('http://horde.test/api/ext/v1/kudos/history?limit=5');
    expect(seen[0]!.init.headers).toMatchObject({ apikey: 'bobs-key' });
  });

  it('reads and replays the webhooks of a key', async () => {
    const { horde, seen } = hordeThat(200, { webhooks: [], pending: 1, failed: 0, dead: 0 });
    expect(await horde.webhooks('bobs-key', 10)).toMatchObject({ pending: 1 });
    await horde.replayWebhook('bobs-key', 'a/b');
    expect(seen.map(({ url }) => url)).toEqual([
      'http://horde.test/api/ext/v1/webhooks?limit=10',
      'http://horde.test/api/ext/v1/webhooks/a%2Fb/replay',
    ]);
    expect(seen[1]!.init).toMatchObject({ method: 'POST', headers: { apikey: 'bobs-key' } });
  });

  it('gets a new secret for the webhooks of a key', async () => {
    const { horde, seen } = hordeThat(200, { secret: 'whsec_x' });
    expect(await horde.newWebhookSecret('bobs-key')).toBe('whsec_x');
    expect(seen[0]!.url).toBe('http://horde.test/api/ext/v1/webhooks/secret');
    expect(seen[0]!.init).toMatchObject({ method: 'POST', headers: { apikey: 'bobs-key' } });
  });

  it('sends a request with key, agent and JSON', async () => {
    const { horde, seen } = hordeThat(202, { id: 'abc', kudos: 8 });
    expect(await horde.generate(request)).toEqual({ id: 'abc', kudos: 8 });
    expect(seen[0]!.url).toBe('http://horde.test/api/v2/generate/async');
    expect(seen[0]!.init.method).toBe('POST');
    expect(seen[0]!.init.headers).toEqual({
      Accept: 'application/json',
      'Client-Agent': 'horde-web:1.0:test',
      'Content-Type': 'application/json',
      apikey: 'my-key',
    });
    expect(JSON.parse(String(seen[0]!.init.body))).toMatchObject({ prompt: 'a fox', dry_run: false, r2: true });
  });

  it('asks the price without generating', async () => {
    const price = {
      kudos: 12.5,
      charged: 12.5,
      exact: true,
      lines: [{ code: 'each', text: 'One.', kudos: 12.5 }],
      notes: [],
    };
    const { horde, seen } = hordeThat(200, price);
    expect(await horde.price(request)).toEqual(price);
    expect(seen[0]!.url).toBe('http://horde.test/api/ext/v1/kudos/price?type=image');
    expect(JSON.parse(String(seen[0]!.init.body))).toEqual(request);
  });

  it('shows no key where none is needed', async () => {
    const { horde, seen } = hordeThat(200, []);
    await horde.models();
    await horde.check('a/b');
    expect(seen[0]!.init.headers).not.toHaveProperty('apikey');
    expect(seen[1]!.url).toBe('http://horde.test/api/v2/generate/check/a%2Fb');
    await horde.events(['a/b', 'c'], new AbortController().signal);
    expect(seen[2]!.url).toBe('http://horde.test/api/ext/v1/events?ids=a%2Fb,c');
    expect(seen[2]!.init.headers).not.toHaveProperty('apikey');
  });

  it('looks up the account of the key it is given', async () => {
    const { horde, seen } = hordeThat(200, { username: 'Anonymous#0' });
    await horde.findUser(ANONYMOUS_KEY);
    expect(seen[0]!.init.headers).toMatchObject({ apikey: ANONYMOUS_KEY });
  });

  it.each([
    [
      403,
      { message: 'too poor', rc: 'KudosUpfront' },
      {},
      { message: 'too poor', rc: 'KudosUpfront', fields: {}, retryAfter: 0 },
    ],
    [
      400,
      { message: 'Input payload validation failed', errors: { 'params.width': '500 is not a multiple of 64' } },
      {},
      { rc: '', fields: { 'params.width': '500 is not a multiple of 64' } },
    ],
    [429, { message: '2 per 1 second' }, { 'Retry-After': '1' }, { message: '2 per 1 second', retryAfter: 1 }],
    [502, '<html>bad gateway</html>', {}, { message: 'HTTP status 502.', rc: '' }],
    [200, 'not JSON', {}, { message: 'The horde sent an answer that is not JSON.' }],
  ])('turns a refusal (%i) into a HordeError', async (status, body, headers, want) => {
    const error = await caught(hordeThat(status, body, headers as Record<string, string>).horde.generate(request));
    expect(error).toBeInstanceOf(HordeError);
    expect(error).toMatchObject({ status, ...want });
  });

  it('gives up on a server that takes a call and never answers', async () => {
    vi.useFakeTimers();
    const silent = new HordeClient(
      () => ANONYMOUS_KEY,
      'a',
      '',
      (_, init) =>
        new Promise((_, reject) =>
          init!.signal!.addEventListener('abort', () => reject(new DOMException('', 'AbortError'))),
        ),
    );
    const asked = caught(silent.cancel('x'));
    const sent = caught(silent.generate(request));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await asked).toMatchObject({
      name: 'HordeError',
      status: 0,
      message: 'The horde did not answer within 20 seconds.',
    });
    expect(await sent).toMatchObject({
      name: 'HordeError',
      status: 0,
      message: 'The horde did not answer within 60 seconds.',
    });
    vi.useRealTimers();
  });

  it('says when nobody answers, and stays silent when aborted', async () => {
    const down = new HordeClient(
      () => ANONYMOUS_KEY,
      'a',
      '',
      () => Promise.reject(new TypeError('fetch failed')),
    );
    expect(await caught(down.models())).toMatchObject({ status: 0, message: 'No connection to the server.' });
    const stop = new AbortController();
    stop.abort();
    expect(await caught(down.check('x', stop.signal))).toBeInstanceOf(TypeError);
  });
});
