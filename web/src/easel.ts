// The easel of a request: one place per image, filled in the order in which jobs
// are first heard of, so that nothing jumps while several are generated.

import type { Generation, ImageStatus, JobProgress, RequestStatus } from './api';

/** One image of a request: waiting, being generated, or there. */
export interface Place {
  job: string;
  /** What the worker said last, and when (ms). */
  progress?: JobProgress;
  heardAt?: number;
  /** The worker has delivered it; what came of it is not fetched yet. */
  delivered?: boolean;
  generation?: Generation;
}

export function emptyPlaces(n: number): Place[] {
  return Array.from({ length: n }, () => ({ job: '' }));
}

/** Notes a job's progress. A preview stays until a newer one of the same job replaces it. */
export function withProgress(places: Place[], progress: JobProgress, at: number): Place[] {
  return update(places, progress.job, (place) =>
    place.generation || place.delivered
      ? place
      : { ...place, heardAt: at, progress: { ...progress, preview: progress.preview || place.progress?.preview } },
  );
}

/**
 * Empties the places of jobs that are over without a result: another attempt is another
 * job, which begins at step 0 and without the old preview. before: the status until now.
 */
export function withStatus(places: Place[], now: RequestStatus, before?: RequestStatus): Place[] {
  if (!now.jobs || !now.delivered) return withCheck(places, now, before);
  const running = new Set(now.jobs.map(({ job }) => job));
  const delivered = new Set(now.delivered);
  return places.map((place) => {
    if (!place.job || place.generation || running.has(place.job)) return place;
    return delivered.has(place.job) ? { ...place, delivered: true } : { job: '' };
  });
}

// A check, of polling, has no ids. That there is no job, or that one was given back, it
// does tell; which one, the next events do.
function withCheck(places: Place[], now: RequestStatus, before?: RequestStatus): Place[] {
  const nothing = now.processing === 0 && now.finished === places.filter((place) => place.generation || place.delivered).length;
  const again = now.restarted > (before?.restarted ?? 0);
  if (!nothing && !again) return places;
  return places.map((place) => (place.generation || place.delivered ? place : { job: '' }));
}

/** Puts finished images in their places. */
export function withGenerations(places: Place[], status: ImageStatus): Place[] {
  return status.generations.reduce(
    (result, generation) => update(result, generation.id, (place) => ({ ...place, generation })),
    places,
  );
}

/** The places of a cancelled request: those that have a job, and one for each of so many that still may. */
export function withoutRest(places: Place[], expected: number): Place[] {
  const taken = places.filter((place) => place.job);
  const free = places.filter((place) => !place.job);
  return [...taken, ...free.slice(0, Math.max(0, expected - taken.length))];
}

// A job that has no place takes the first free one; failing that (its job was
// taken from a worker and given to the next) one that is not finished.
function update(places: Place[], job: string, change: (place: Place) => Place): Place[] {
  let at = places.findIndex((place) => place.job === job);
  if (at < 0) at = places.findIndex((place) => place.job === '');
  if (at < 0) at = places.findIndex((place) => !place.generation && !place.delivered);
  if (at < 0) return [...places, change({ job })];
  const place = places[at]!;
  const changed = change(place.job === job ? place : { job });
  return places.map((old, i) => (i === at ? changed : old));
}

/** The places whose jobs workers have in hand and report of. */
export function inHand(places: Place[]): Place[] {
  return places.filter((place) => place.progress && !place.generation && !place.delivered);
}

/** How much of the request is done, 0…1: images and steps together. */
export function share(places: Place[]): number {
  const done = places.reduce((sum, { generation, delivered, progress }) => {
    if (generation || delivered) return sum + 1;
    return sum + (progress && progress.steps > 0 ? Math.min(1, progress.step / progress.steps) : 0);
  }, 0);
  return places.length ? done / places.length : 0;
}
