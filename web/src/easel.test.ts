import { describe, expect, it } from 'vitest';
import type { Generation, ImageStatus, JobProgress, RequestStatus } from './api';
import { emptyPlaces, inHand, share, withGenerations, withoutRest, withProgress, withStatus } from './easel';

const progress = (job: string, step: number, preview?: string): JobProgress => ({ job, worker_name: `worker of ${job}`, step, steps: 10, preview });
const status = (some: Partial<RequestStatus>): RequestStatus => ({
  finished: 0, processing: 0, restarted: 0, waiting: 0, done: false, faulted: false,
  wait_time: 0, queue_position: 0, kudos: 3, is_possible: true, ...some,
});
const generations = (...ids: string[]) => ({ ...status({}), shared: false, generations: ids.map((id) => ({ id }) as Generation) }) as ImageStatus;
const running = (...jobs: string[]) => jobs.map((job) => ({ job, worker_name: 'w' }));

describe('the easel', () => {
  it('gives each job a place and keeps it there', () => {
    let places = withProgress(emptyPlaces(3), progress('b', 2, 'p'), 1);
    places = withProgress(places, progress('a', 5), 1);
    places = withGenerations(places, generations('a', 'c'));
    expect(places.map((p) => p.job)).toEqual(['b', 'a', 'c']);
    expect(share(places)).toBeCloseTo((0.2 + 1 + 1) / 3);
    places = withProgress(places, progress('b', 3), 1);
    expect(places[0]!.progress).toMatchObject({ step: 3, preview: 'p' });
    expect(withProgress(places, progress('a', 1), 1)[1]!.generation).toBeDefined();
  });

  it('keeps a preview until the same job brings a newer one', () => {
    let places = withProgress(emptyPlaces(1), progress('a', 2, 'first'), 1);
    places = withProgress(places, progress('a', 3), 2);
    expect(places[0]).toMatchObject({ job: 'a', heardAt: 2, progress: { step: 3, preview: 'first' } });
    places = withProgress(places, progress('b', 1), 3);
    expect(places[0]).toMatchObject({ job: 'b', progress: { step: 1 } });
    expect(places[0]!.progress!.preview).toBeUndefined();
  });

  it('lets another attempt begin at step 0 without the old preview', () => {
    let places = withProgress(emptyPlaces(2), progress('a', 4, 'old'), 1);
    places = withProgress(places, progress('b', 7, 'other'), 1);
    places = withStatus(places, status({ processing: 1, waiting: 1, restarted: 1, jobs: running('b'), delivered: [] }));
    expect(places.map((place) => place.job)).toEqual(['', 'b']);
    expect(places[0]).toEqual({ job: '' });
    places = withStatus(places, status({ processing: 2, restarted: 1, jobs: running('b', 'c'), delivered: [] }));
    expect(places[0]).toEqual({ job: '' });
    places = withProgress(places, progress('c', 1), 2);
    expect(places.map((place) => place.progress?.step)).toEqual([1, 7]);
  });

  it('keeps what was delivered until it is fetched', () => {
    let places = withProgress(emptyPlaces(2), progress('a', 10, 'nearly'), 1);
    places = withStatus(places, status({ finished: 1, processing: 1, jobs: running('b'), delivered: ['a'] }));
    expect(places[0]).toMatchObject({ job: 'a', delivered: true, progress: { preview: 'nearly' } });
    expect(inHand(places)).toEqual([]);
    places = withProgress(places, progress('b', 5), 2);
    expect(inHand(places).map((place) => place.job)).toEqual(['b']);
    expect(share(places)).toBeCloseTo(0.75);
    places = withGenerations(places, generations('a'));
    expect(places[0]).toMatchObject({ job: 'a', generation: { id: 'a' } });
    expect(withProgress(places, progress('a', 3), 9)).toEqual(places);
  });

  it('has no places for what a cancel took away', () => {
    const places = withProgress(emptyPlaces(4), progress('a', 4), 1);
    expect(withoutRest(places, 1).map((place) => place.job)).toEqual(['a']);
    expect(withoutRest(places, 2).map((place) => place.job)).toEqual(['a', '']);
    expect(withoutRest(emptyPlaces(2), 0)).toEqual([]);
  });

  it.each([
    ['that nothing is in hand', status({ waiting: 1 }), true],
    ['that something was given back', status({ processing: 1, restarted: 1 }), true],
    ['that something is in hand', status({ processing: 1 }), false],
    ['that something was delivered which is not here', status({ finished: 1 }), false],
  ])('takes from a check %s', (_, now, emptied) => {
    const places = withProgress(emptyPlaces(1), progress('a', 4, 'old'), 1);
    expect(withStatus(places, now, status({ processing: 1 }))).toEqual(emptied ? emptyPlaces(1) : places);
  });
});
