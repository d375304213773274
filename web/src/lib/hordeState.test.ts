import { describe, expect, it } from 'vitest';
import { HordeError } from './api/client';
import type { ActiveModel, Performance } from './api/types';
import { servedModels, speed, stateOf, type Answers } from './hordeState';

const figures: Performance = {
  queued_requests: 0,
  worker_count: 0,
  thread_count: 0,
  queued_megapixelsteps: 0,
  past_minute_megapixelsteps: 0,
  text_worker_count: 0,
  interrogator_count: 0,
};
const model: ActiveModel = { name: 'm', count: 1, performance: 1e6, queued: 0, jobs: 0, eta: 0, type: 'image' };
const one = { ...figures, worker_count: 1, thread_count: 1 };

/** A horde that answers, with what is given. */
function answered(more: Partial<Answers> = {}): Answers {
  return {
    heartbeat: { message: 'OK', version: '1.0.0', db_connection: true },
    performance: one,
    models: [model],
    modes: { maintenance_mode: false, invite_only_mode: false },
    at: 1,
    ...more,
  };
}

describe('the state of the horde', () => {
  it.each<[string, Answers, string, RegExp]>([
    ['nothing is known yet', { at: 0 }, 'asking', /Asking/],
    ['no answer ever', { at: 0, error: new HordeError('x', 0) }, 'down', /does not answer.*since this page was opened/],
    [
      'no answer any more',
      answered({ error: new HordeError('x', 0) }),
      'down',
      /does not answer.*figures are from \d\d:\d\d:\d\d/,
    ],
    ['an error', answered({ error: new HordeError('bad gateway', 502) }), 'down', /answers with an error.*bad gateway/],
    ['asked too much', answered({ error: new HordeError('90 per 1 minute', 429) }), 'down', /in part.*90 per 1 minute/],
    [
      'no database',
      answered({ heartbeat: { message: 'DOWN', version: '1', db_connection: false } }),
      'down',
      /cannot work.*database/,
    ],
    ['overloaded', answered({ heartbeat: { message: 'OVERLOADED', version: '1' } }), 'down', /cannot work.*OVERLOADED/],
    [
      'maintenance',
      answered({ modes: { maintenance_mode: true, invite_only_mode: false } }),
      'closed',
      /Maintenance.*No new requests/,
    ],
    ['no worker', answered({ performance: figures, models: [] }), 'idle', /No worker is online/],
    [
      'no worker, but requests for a model',
      answered({ performance: figures, models: [{ ...model, count: 0 }] }),
      'idle',
      /No worker is online/,
    ],
    [
      'workers for other things',
      answered({ performance: { ...figures, text_worker_count: 2, interrogator_count: 1 }, models: [] }),
      'idle',
      /No worker generates images.*2 text workers and 1 alchemy worker/,
    ],
    [
      'workers in maintenance',
      answered({ models: [{ ...model, count: 0 }] }),
      'idle',
      /No worker takes image requests.*1 image worker online/,
    ],
    [
      'busy',
      answered({ performance: { ...one, queued_requests: 9, queued_megapixelsteps: 120 } }),
      'busy',
      /Busy.*9 images in the queue.*waits about 2 min/,
    ],
    [
      'busy at no known speed',
      answered({ performance: { ...one, queued_requests: 2 }, models: [{ ...model, performance: 0 }] }),
      'busy',
      /^Busy 2 images in the queue, 1 image worker online\.$/,
    ],
    [
      'a short queue',
      answered({ performance: { ...one, queued_requests: 1, queued_megapixelsteps: 6 } }),
      'fine',
      /Ready.*1 image in the queue/,
    ],
    ['nothing to do', answered(), 'fine', /Ready.*1 image worker online, nothing waits/],
  ])('%s', (_, what, level, words) => {
    const state = stateOf(what);
    expect(state.level).toBe(level);
    expect(`${state.title} ${state.text}`).toMatch(words);
  });

  it('says that it is ready only where somebody is', () => {
    for (const message of ['OK', 'DOWN']) {
      const state = stateOf(answered({ heartbeat: { message, version: '1' }, performance: figures, models: [] }));
      expect(`${state.title} ${state.text}`).not.toMatch(/works|Ready/);
    }
  });

  it('counts only models that somebody serves', () => {
    expect(servedModels(undefined)).toBeUndefined();
    expect(servedModels([model, { ...model, name: 'wanted', count: 0 }])).toEqual([model]);
  });

  it('has no speed where nobody has worked yet', () => {
    expect([speed(0), speed(5_840_000)]).toEqual(['not known', '5.84 Mps/s']);
  });
});
