import { describe, expect, it } from 'vitest';
import type { TextWorker } from './api/types';
import { contextFor, longestText, textModels } from './textOffers';

const worker = (changes: Partial<TextWorker>): TextWorker => ({
  online: true,
  maintenance_mode: false,
  threads: 1,
  models: ['small'],
  max_length: 256,
  max_context_length: 1024,
  ...changes,
});
const large = worker({ models: ['large', 'small'], threads: 2, max_length: 512, max_context_length: 8192 });

describe('what text workers offer', () => {
  it('is the models of those that take requests, the most threads first', () => {
    const workers = [worker({}), large, worker({ models: ['another'], threads: 2 })];
    expect(textModels(workers)).toEqual([
      { name: 'small', threads: 3 },
      { name: 'another', threads: 2 },
      { name: 'large', threads: 2 },
    ]);
  });

  it.each([{ online: false }, { maintenance_mode: true }, { models: [] }, { models: undefined }])(
    'is nothing of one with %j',
    (changes) => {
      expect(textModels([worker(changes)])).toEqual([]);
      expect(longestText([worker(changes)], '')).toBe(4096);
    },
  );

  it('is as long a text as the longest of them', () => {
    expect(longestText([worker({}), large], '')).toBe(512);
    expect(longestText([worker({}), large], 'large')).toBe(512);
    expect(longestText([worker({})], 'small')).toBe(256);
    expect(longestText([worker({ max_length: 9000 })], '')).toBe(4096);
    expect(longestText([worker({})], 'nobody serves it')).toBe(4096);
    expect(longestText([], '')).toBe(4096);
  });

  it('is a context that somebody reads who writes so much', () => {
    expect(contextFor([worker({})], '', 80)).toBe(1024);
    expect(contextFor([worker({}), large], '', 80)).toBe(2048);
    expect(contextFor([worker({}), large], 'small', 300)).toBe(2048);
    expect(contextFor([worker({ max_length: 4000, max_context_length: 8192 })], '', 4000)).toBe(5024);
    expect(contextFor([worker({ max_length: 4000, max_context_length: 4096 })], '', 4000)).toBe(4096);
  });

  it('is never less than the text, and the usual where nobody is there', () => {
    expect(contextFor([worker({ max_length: 512, max_context_length: 400 })], '', 512)).toBe(512);
    expect(contextFor([], '', 80)).toBe(2048);
    expect(contextFor([], '', 4096)).toBe(5120);
    expect(contextFor([worker({})], '', 257)).toBe(2048);
  });
});
