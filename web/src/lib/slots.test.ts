import { describe, expect, it } from 'vitest';
import type { Generation, ImageStatus, JobProgress, RequestStatus } from './api/types';
import {
  emptySlots,
  runningSlots,
  fractionDone,
  withGenerations,
  withoutUnstarted,
  withProgress,
  withStatus,
} from './slots';

const progress = (job: string, step: number, preview?: string): JobProgress => ({
  job,
  worker_name: `worker of ${job}`,
  step,
  steps: 10,
  preview,
});
const status = (some: Partial<RequestStatus>): RequestStatus => ({
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
const generations = (...ids: string[]) =>
  ({ ...status({}), shared: false, generations: ids.map((id) => ({ id }) as Generation) }) as ImageStatus;
const running = (...jobs: string[]) => jobs.map((job) => ({ job, worker_name: 'w' }));

describe('slots', () => {
  it('gives each job a slot and keeps it there', () => {
    let slots = withProgress(emptySlots(3), progress('b', 2, 'p'), 1);
    slots = withProgress(slots, progress('a', 5), 1);
    slots = withGenerations(slots, generations('a', 'c'));
    expect(slots.map((p) => p.job)).toEqual(['b', 'a', 'c']);
    expect(fractionDone(slots)).toBeCloseTo((0.2 + 1 + 1) / 3);
    slots = withProgress(slots, progress('b', 3), 1);
    expect(slots[0]!.progress).toMatchObject({ step: 3, preview: 'p' });
    expect(withProgress(slots, progress('a', 1), 1)[1]!.generation).toBeDefined();
  });

  it('keeps a preview until the same job brings a newer one', () => {
    let slots = withProgress(emptySlots(1), progress('a', 2, 'first'), 1);
    slots = withProgress(slots, progress('a', 3), 2);
    expect(slots[0]).toMatchObject({ job: 'a', heardAt: 2, progress: { step: 3, preview: 'first' } });
    slots = withProgress(slots, progress('b', 1), 3);
    expect(slots[0]).toMatchObject({ job: 'b', progress: { step: 1 } });
    expect(slots[0]!.progress!.preview).toBeUndefined();
  });

  it('lets another attempt begin at step 0 without the old preview', () => {
    let slots = withProgress(emptySlots(2), progress('a', 4, 'old'), 1);
    slots = withProgress(slots, progress('b', 7, 'other'), 1);
    slots = withStatus(slots, status({ processing: 1, waiting: 1, restarted: 1, jobs: running('b'), delivered: [] }));
    expect(slots.map((slot) => slot.job)).toEqual(['', 'b']);
    expect(slots[0]).toEqual({ job: '' });
    slots = withStatus(slots, status({ processing: 2, restarted: 1, jobs: running('b', 'c'), delivered: [] }));
    expect(slots[0]).toEqual({ job: '' });
    slots = withProgress(slots, progress('c', 1), 2);
    expect(slots.map((slot) => slot.progress?.step)).toEqual([1, 7]);
  });

  it('keeps what was delivered until it is fetched', () => {
    let slots = withProgress(emptySlots(2), progress('a', 10, 'nearly'), 1);
    slots = withStatus(slots, status({ finished: 1, processing: 1, jobs: running('b'), delivered: ['a'] }));
    expect(slots[0]).toMatchObject({ job: 'a', delivered: true, progress: { preview: 'nearly' } });
    expect(runningSlots(slots)).toEqual([]);
    slots = withProgress(slots, progress('b', 5), 2);
    expect(runningSlots(slots).map((slot) => slot.job)).toEqual(['b']);
    expect(fractionDone(slots)).toBeCloseTo(0.75);
    slots = withGenerations(slots, generations('a'));
    expect(slots[0]).toMatchObject({ job: 'a', generation: { id: 'a' } });
    expect(withProgress(slots, progress('a', 3), 9)).toEqual(slots);
  });

  it('has no slots for what a cancel took away', () => {
    const slots = withProgress(emptySlots(4), progress('a', 4), 1);
    expect(withoutUnstarted(slots, 1).map((slot) => slot.job)).toEqual(['a']);
    expect(withoutUnstarted(slots, 2).map((slot) => slot.job)).toEqual(['a', '']);
    expect(withoutUnstarted(emptySlots(2), 0)).toEqual([]);
  });

  it.each([
    ['that nothing is in hand', status({ waiting: 1 }), true],
    ['that something was given back', status({ processing: 1, restarted: 1 }), true],
    ['that something is in hand', status({ processing: 1 }), false],
    ['that something was delivered which is not here', status({ finished: 1 }), false],
  ])('takes from a check %s', (_, now, emptied) => {
    const slots = withProgress(emptySlots(1), progress('a', 4, 'old'), 1);
    expect(withStatus(slots, now, status({ processing: 1 }))).toEqual(emptied ? emptySlots(1) : slots);
  });
});
