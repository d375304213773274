import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RequestEvent } from '../lib/events/watcher';
import { defaultTextSettings } from '../lib/textSettings';

const settings = { ...defaultTextSettings(), prompt: 'Once upon a time', length: 100 };
const waiting = {
  finished: 0,
  processing: 0,
  restarted: 0,
  waiting: 1,
  done: false,
  faulted: false,
  wait_time: 5,
  queue_position: 1,
  kudos: 0,
  is_possible: true,
};
const generation = {
  text: ' there was a fox.',
  seed: 7,
  gen_metadata: [],
  worker_id: 'w',
  worker_name: 'a scribe',
  model: 'small',
  state: 'ok' as const,
};
const done = { ...waiting, waiting: 0, finished: 1, done: true, kudos: 3, generations: [generation] };
const report = (step: number, text?: string, job = 'j') => ({ job, step, steps: 100, worker_name: 'a scribe', text });

let tell: (event: RequestEvent) => void;
const client = { cancelText: vi.fn(), textStatus: vi.fn() };
const onEnd = vi.fn();

/** A text request that is followed. */
async function followed() {
  vi.resetModules();
  vi.doMock('./account.svelte', () => ({ client }));
  vi.doMock('./hordeStatus.svelte', () => ({ hordeStatus: { serverAnswered() {} } }));
  vi.doMock('./feed', () => ({
    feed: {
      follow(_: string, listener: typeof tell) {
        tell = listener;
        return () => {};
      },
    },
  }));
  const { TextRequest } = await import('./textRequest.svelte');
  const request = new TextRequest(settings, 0, onEnd, 'id');
  request.follow();
  return request;
}

beforeEach(() => void vi.clearAllMocks());
afterEach(() => void vi.doUnmock('./feed'));

describe('a text request', () => {
  it('shows the text as it comes, and what the worker delivers', async () => {
    const request = await followed();
    tell({ kind: 'status', id: 'id', status: { ...waiting } });
    expect([request.phase, request.text]).toEqual(['waiting', '']);

    tell({ kind: 'progress', id: 'id', progress: report(2, ' there') });
    tell({ kind: 'progress', id: 'id', progress: report(3) }); // without the text
    expect([request.phase, request.text, request.progress?.step]).toEqual(['generating', ' there', 3]);

    tell({ kind: 'end', id: 'id', status: done });
    await vi.waitFor(() => expect(onEnd).toHaveBeenCalledExactlyOnceWith('id'));
    expect([request.phase, request.text, request.status?.kudos]).toEqual(['done', generation.text, 3]);
    expect(request.result?.worker_name).toBe('a scribe');
  });

  it('begins anew with another attempt', async () => {
    const request = await followed();
    tell({ kind: 'progress', id: 'id', progress: report(9, ' nine words of a worker that then died') });
    tell({ kind: 'progress', id: 'id', progress: report(1, undefined, 'another job') });
    expect(request.text).toBe('');
  });

  it('that nobody could generate says so', async () => {
    const request = await followed();
    tell({ kind: 'end', id: 'id', status: { ...done, faulted: true, restarted: 3, generations: [] } });
    await vi.waitFor(() => expect(request.phase).toBe('failed'));
    expect(request.failure?.text).toBe('Failed attempts: 3.');
  });

  it('ends when it is cancelled before a worker has it', async () => {
    const request = await followed();
    client.textStatus.mockResolvedValue({ ...waiting, waiting: 0, generations: [] });
    await request.cancel();
    expect(client.cancelText).toHaveBeenCalledTimes(1);
    expect([request.phase, request.cancelled, request.running]).toEqual(['cancelled', true, false]);
  });

  it('is followed to its end when a worker has it already', async () => {
    const request = await followed();
    client.textStatus.mockResolvedValue({ ...waiting, waiting: 0, processing: 1, generations: [] });
    await request.cancel();
    expect([request.phase, request.cancelled]).toEqual(['generating', true]);
    tell({ kind: 'end', id: 'id', status: done });
    await vi.waitFor(() => expect(request.phase).toBe('done'));
    expect(request.text).toBe(generation.text);
  });

  it('that the horde no longer knows has failed', async () => {
    const request = await followed();
    tell({ kind: 'gone', id: 'id', message: 'not found' });
    expect([request.phase, request.failure?.title]).toEqual(['failed', 'The horde no longer knows this request']);
  });
});
