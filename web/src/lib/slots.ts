// The slots of a request: one for each image, filled in the order in which jobs are
// first heard of, so that nothing jumps while several are generated.

import type { Generation, ImageStatus, JobProgress, RequestStatus } from './api/types';

/** One image of a request: waiting, being generated, or there. */
export interface Slot {
  /** Id of the job that fills the slot; '' while there is none. */
  job: string;
  /** What the worker said last, and when (ms). */
  progress?: JobProgress;
  heardAt?: number;
  /** The worker has delivered it; the result is not fetched yet. */
  delivered?: boolean;
  generation?: Generation;
}

export function emptySlots(n: number): Slot[] {
  return Array.from({ length: n }, () => ({ job: '' }));
}

/** Notes a job's progress. A preview stays until a newer one of the same job replaces it. */
export function withProgress(slots: Slot[], progress: JobProgress, at: number): Slot[] {
  return update(slots, progress.job, (slot) => {
    if (isDelivered(slot)) return slot;
    const preview = progress.preview || slot.progress?.preview;
    return { ...slot, heardAt: at, progress: { ...progress, preview } };
  });
}

/**
 * Empties the slots of jobs that are over without a result: another attempt is another
 * job, which begins at step 0 and without the old preview. before: the status until now.
 */
export function withStatus(slots: Slot[], now: RequestStatus, before?: RequestStatus): Slot[] {
  if (!now.jobs || !now.delivered) return withCheck(slots, now, before);

  const running = new Set(now.jobs.map(({ job }) => job));
  const delivered = new Set(now.delivered);
  return slots.map((slot) => {
    if (!slot.job || slot.generation || running.has(slot.job)) return slot;
    return delivered.has(slot.job) ? { ...slot, delivered: true } : { job: '' };
  });
}

// A check, of polling, has no ids. It says that no job is running, or that one was given
// back; which one it was, the next events show.
function withCheck(slots: Slot[], now: RequestStatus, before?: RequestStatus): Slot[] {
  const noneRunning = now.processing === 0 && now.finished === slots.filter(isDelivered).length;
  const restarted = now.restarted > (before?.restarted ?? 0);
  if (!noneRunning && !restarted) return slots;

  return slots.map((slot) => (isDelivered(slot) ? slot : { job: '' }));
}

/** Puts finished images in their slots. */
export function withGenerations(slots: Slot[], status: ImageStatus): Slot[] {
  return status.generations.reduce(
    (result, generation) => update(result, generation.id, (slot) => ({ ...slot, generation })),
    slots,
  );
}

/** The slots of a cancelled request: those that have a job, and empty ones up to the number expected. */
export function withoutUnstarted(slots: Slot[], expected: number): Slot[] {
  const started = slots.filter((slot) => slot.job);
  const empty = slots.filter((slot) => !slot.job);
  return [...started, ...empty.slice(0, Math.max(0, expected - started.length))];
}

/** The slots whose jobs workers have in hand and report on. */
export function runningSlots(slots: Slot[]): Slot[] {
  return slots.filter((slot) => slot.progress && !isDelivered(slot));
}

/** How much of the request is done, 0…1: images and steps together. */
export function fractionDone(slots: Slot[]): number {
  if (slots.length === 0) return 0;

  const done = slots.reduce((sum, slot) => {
    if (isDelivered(slot)) return sum + 1;
    const { step, steps } = slot.progress ?? { step: 0, steps: 0 };
    return sum + (steps > 0 ? Math.min(1, step / steps) : 0);
  }, 0);
  return done / slots.length;
}

function isDelivered(slot: Slot): boolean {
  return Boolean(slot.generation || slot.delivered);
}

// Changes the slot of a job. A job without a slot takes the first empty one; failing that
// (its job was taken from a worker and given to the next) one that is not finished.
function update(slots: Slot[], job: string, change: (slot: Slot) => Slot): Slot[] {
  let at = slots.findIndex((slot) => slot.job === job);
  if (at < 0) at = slots.findIndex((slot) => slot.job === '');
  if (at < 0) at = slots.findIndex((slot) => !isDelivered(slot));
  if (at < 0) return [...slots, change({ job })];

  const slot = slots[at]!;
  const changed = change(slot.job === job ? slot : { job });
  return slots.map((old, i) => (i === at ? changed : old));
}
