import { describe, expect, it } from 'vitest';
import { PendingRequests } from './pending';
import { load, store } from './storage';

describe('pending requests', () => {
  it('are kept by name, the newest first, until they are forgotten', () => {
    const images = new PendingRequests<{ prompt: string }>('test-images');
    const texts = new PendingRequests<{ prompt: string }>('test-texts');
    images.remember({ id: 'a', settings: { prompt: 'a fox' }, startedAt: 1 });
    images.remember({ id: 'b', settings: { prompt: 'a pizza' }, startedAt: 2 });
    texts.remember({ id: 'c', settings: { prompt: 'Once' }, startedAt: 3 });
    expect(images.list.map(({ id }) => id)).toEqual(['b', 'a']);

    images.remember({ id: 'a', settings: { prompt: 'a fox' }, startedAt: 1 });
    expect(images.list.map(({ id }) => id)).toEqual(['a', 'b']);

    images.forget('a');
    images.forget('');
    const kept = new PendingRequests('test-images').list;
    expect(kept).toEqual([{ id: 'b', settings: { prompt: 'a pizza' }, startedAt: 2 }]);
    images.forget('b');
    expect(load('test-images')).toBeFalsy();
    expect(texts.list).toHaveLength(1);
  });

  it.each(['no JSON', '{}', '[null, 7, {"id": 7, "settings": {}}, {"id": "a"}]'])('are none in %s', (kept) => {
    store('test-broken', kept);
    expect(new PendingRequests('test-broken').list).toEqual([]);
  });
});
