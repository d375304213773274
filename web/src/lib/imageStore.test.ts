import { expect, it } from 'vitest';
import { fromRecord, openImageStore, type StoredImage } from './imageStore';

const image: StoredImage = {
  id: 'a', prompt: 'a fox', negative: '', model: 'horde_pocket', requestedModel: '', worker: 'w', seed: '1',
  width: 512, height: 512, steps: 24, cfg: 3.5, sampler: 'k_dpmpp_2m', at: 1, notes: [], blob: new Blob(),
};

it('reads the records of pages of before', () => {
  const { requestedModel: _, ...old } = image;
  expect(fromRecord({ ...old, ordered: 'Deliberate' })).toEqual({ ...image, requestedModel: 'Deliberate' });
  expect(fromRecord(old)).toEqual(image);
  expect(fromRecord(image)).toEqual(image);
});

it('keeps images in memory where there is no IndexedDB, the newest first', async () => {
  const store = await openImageStore();
  expect(store.persistent).toBe(false);

  await store.put(image);
  await store.put({ ...image, id: 'b', at: 2 });
  expect((await store.all()).map(({ id }) => id)).toEqual(['b', 'a']);
  await store.remove('b');
  expect((await store.all()).map(({ id }) => id)).toEqual(['a']);
  await store.clear();
  expect(await store.all()).toEqual([]);
});
