import { describe, expect, it } from 'vitest';
import type { Check, JobProgress } from './api/types';
import { Countdown, roughly, timeLeft, type RunningJob } from './eta';

const check = (some: Partial<Check>): Check => ({
  finished: 0,
  processing: 0,
  restarted: 0,
  waiting: 0,
  done: false,
  faulted: false,
  wait_time: 0,
  queue_position: 0,
  kudos: 3,
  is_possible: true,
  ...some,
});
const job = (worker: string, step: number, steps: number, times: Partial<JobProgress> = {}, at = 0): RunningJob => ({
  progress: { job: `${worker}${step}`, worker_name: worker, step, steps, ...times },
  at: at * 1000,
});

describe('the time left', () => {
  it.each<[string, Check | undefined, RunningJob[], number, number | undefined]>([
    ['is not known before anything was heard', undefined, [], 0, undefined],
    ['is what the server says until steps come', check({ waiting: 1, wait_time: 30 }), [], 12, 18],
    [
      'is elapsed ÷ steps done × rest',
      check({ processing: 1, wait_time: 90 }),
      [job('w', 6, 24, { elapsed: 6 })],
      0,
      18,
    ],
    [
      'goes by the time of a step, not by what came before the first',
      check({ processing: 1 }),
      [job('w', 2, 10, { elapsed: 40, step_seconds: 1 })],
      2,
      6,
    ],
    [
      'is what the server says while no step is done',
      check({ processing: 1, wait_time: 9 }),
      [job('w', 0, 10, { elapsed: 4 })],
      1,
      8,
    ],
    ['goes below 0', check({ processing: 1 }), [job('w', 6, 8, { step_seconds: 1 })], 5, -3],
    [
      'adds up in a batch of one worker, the jobs that are not begun too',
      check({ processing: 3 }),
      [job('w', 5, 10, { step_seconds: 1 })],
      0,
      25,
    ],
    [
      'is that of the slower of two workers',
      check({ processing: 2 }),
      [job('w', 5, 10, { step_seconds: 1 }), job('v', 2, 10, { step_seconds: 2 })],
      0,
      16,
    ],
    [
      'is for the server to judge of what nobody has yet',
      check({ processing: 1, waiting: 3, wait_time: 60 }),
      [job('w', 5, 10, { step_seconds: 1 })],
      5,
      55,
    ],
    [
      'is never less than the job in hand takes',
      check({ processing: 1, waiting: 1, wait_time: 3 }),
      [job('w', 1, 10, { step_seconds: 2 })],
      0,
      18,
    ],
  ])('%s', (_, status, jobs, now, want) => {
    const left = timeLeft(status, 0, jobs, now * 1000);
    if (want === undefined) expect(left).toBeUndefined();
    else expect(left).toBeCloseTo(want);
  });
});

describe('the countdown', () => {
  it('says any moment for a moment only, also where the estimate stays at 1 s', () => {
    const countdown = new Countdown();
    const said = [20, 5, 1, 1, 1, 1, 1].map((left, i) => countdown.words(left, i * 4000));
    expect(said).toEqual([
      'about 20 s',
      'about 5 s',
      'any moment now',
      'any moment now',
      'any moment now',
      'longer than expected',
      'longer than expected',
    ]);
    expect(countdown.words(12, 30_000)).toBe('about 12 s');
    expect(countdown.words(-40, 34_000)).toBe('any moment now');
  });

  it('goes on being due where the server has no estimate left, and says nothing where there never was one', () => {
    const countdown = new Countdown();
    expect(countdown.words(undefined, 0)).toBe('');
    expect(countdown.words(0.5, 1000)).toBe('any moment now');
    expect(countdown.words(undefined, 20_000)).toBe('longer than expected');
    countdown.reset();
    expect(countdown.words(undefined, 21_000)).toBe('');
  });
});

it('an estimate is said as roughly as it is', () => {
  expect([3.4, 59.8, 94, 597.6, 601, 4000].map(roughly)).toEqual([
    '3 s',
    '1 min',
    '1 min 35 s',
    '10 min',
    '10 min',
    '1 h 7 min',
  ]);
});
