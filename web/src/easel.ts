// The easel of a request: one place per picture, filled in the order in which
// jobs are first heard of, so that nothing jumps while several are painted.

import type { Generation, ImageStatus, JobProgress } from './api';

/** One picture of a request: waiting, being painted, or there. */
export interface Place {
  job: string;
  progress?: JobProgress;
  generation?: Generation;
}

export function emptyPlaces(n: number): Place[] {
  return Array.from({ length: n }, () => ({ job: '' }));
}

/** Notes a job's progress. A preview stays until a newer one replaces it. */
export function withProgress(places: Place[], progress: JobProgress): Place[] {
  return update(places, progress.job, (place) =>
    place.generation ? place : { ...place, progress: { ...progress, preview: progress.preview || place.progress?.preview } },
  );
}

/** Puts finished pictures in their places. */
export function withGenerations(places: Place[], status: ImageStatus): Place[] {
  return status.generations.reduce(
    (result, generation) => update(result, generation.id, (place) => ({ ...place, generation })),
    places,
  );
}

// A job that has no place takes the first free one; failing that (its job was
// taken from a worker and given to the next) one that is not finished.
function update(places: Place[], job: string, change: (place: Place) => Place): Place[] {
  let at = places.findIndex((place) => place.job === job);
  if (at < 0) at = places.findIndex((place) => place.job === '');
  if (at < 0) at = places.findIndex((place) => !place.generation);
  if (at < 0) return [...places, change({ job })];
  const place = places[at]!;
  const changed = change(place.job === job ? place : { job });
  return places.map((old, i) => (i === at ? changed : old));
}

/** How much of the request is done, 0…1: pictures and steps together. */
export function share(places: Place[]): number {
  const done = places.reduce((sum, { generation, progress }) => {
    if (generation) return sum + 1;
    return sum + (progress && progress.steps > 0 ? Math.min(1, progress.step / progress.steps) : 0);
  }, 0);
  return places.length ? done / places.length : 0;
}
