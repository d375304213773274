import { describe, expect, it } from 'vitest';
import { HordeError } from './api';
import { byField, emptyOrder, faults, POCKET, splitPrompt, toRequest, withModel } from './order';
import { fileName, isURL, sniff, source } from './picture';
import { explain, ordinal, reckoned, seconds, waiting } from './words';

const order = { ...emptyOrder(), prompt: ' a red fox ' };

describe('an order', () => {
  it('becomes a request for any model', () => {
    expect(toRequest(order)).toMatchObject({
      prompt: 'a red fox',
      models: [],
      params: { n: 1, width: 512, height: 512, steps: 30, cfg_scale: 7, sampler_name: 'k_euler_a' },
    });
    expect(toRequest(order).params).not.toHaveProperty('seed');
    expect(toRequest(order)).not.toHaveProperty('source_image');
  });

  it('carries negative prompt, seed, model and starting picture', () => {
    const full = toRequest({ ...order, negative: 'snow ', seed: ' 42 ', model: POCKET, strength: 0.3 }, 'UklGR');
    expect(full.prompt).toBe('a red fox ### snow');
    expect(splitPrompt(full.prompt)).toEqual({ prompt: 'a red fox', negative: 'snow' });
    expect(full).toMatchObject({
      models: [POCKET],
      source_image: 'UklGR',
      source_processing: 'img2img',
      params: { seed: '42', denoising_strength: 0.3 },
    });
  });

  it('takes the settings of its model unless they were changed', () => {
    const pocket = withModel(order, POCKET);
    expect(pocket).toMatchObject({ model: POCKET, steps: 24, cfg: 3.5, sampler: 'k_dpmpp_2m' });
    expect(withModel({ ...pocket, steps: 50 }, '')).toMatchObject({ steps: 50, cfg: 7, sampler: 'k_euler_a' });
  });

  it.each([
    [{ prompt: '  ' }, 'prompt'],
    [{ width: 500 }, 'width'],
    [{ height: 4096 }, 'height'],
    [{ width: null as unknown as number }, 'width'],
    [{ steps: 0 }, 'steps'],
    [{ steps: 2.5 }, 'steps'],
    [{ cfg: 3.555 }, 'cfg'],
    [{ n: 21 }, 'n'],
  ])('%o is wrong about %s', (change, field) => {
    expect(Object.keys(faults({ ...order, ...change }))).toEqual([field]);
  });

  it('accepts the edges', () => {
    expect(faults({ ...order, width: 64, height: 3072, steps: 500, cfg: 0.07, n: 20 })).toEqual({});
  });

  it('sorts the complaints of the server by field', () => {
    expect(byField({ 'params.width': 'a', 'models.0': 'b', webhook: 'c', '': 'd' })).toEqual({
      fields: { width: 'a', model: 'b' },
      rest: ['webhook: c', 'd'],
    });
  });
});

describe('pictures and words', () => {
  it('names files by what they show', () => {
    expect(fileName('A red fox, in the snow!', '42')).toBe('a-red-fox-in-the-snow-42.webp');
    expect(fileName('Füchse / дом', '7', 'image/png')).toBe('fuchse-дом-7.png');
    expect(fileName('../../etc/passwd', '1')).toBe('etc-passwd-1.webp');
    expect(fileName('!!!', '')).toBe('picture.webp');
  });

  it('knows pictures from addresses', () => {
    expect(isURL('https://x/y.webp')).toBe(true);
    expect(isURL('UklGRhttps')).toBe(false);
    expect(sniff('/9j/4AAQ')).toBe('image/jpeg');
    expect(source('UklGRabc')).toBe('data:image/webp;base64,UklGRabc');
  });

  it('explains refusals', () => {
    expect(explain(new HordeError('x', 403, 'KudosUpfront')).title).toBe('This needs more kudos than the account has');
    expect(explain(new HordeError('2 per 1 second', 429, '', {}, 3)).advice).toBe('Try again in 3 s.');
    expect(explain(new HordeError('', 0)).title).toBe('The horde does not answer');
    expect(explain(new TypeError('boom')).text).toBe('boom');
  });

  it('says what a line of a price does', () => {
    expect(reckoned({ factor: 1.3 })).toBe('×1.3');
    expect(reckoned({ add: 6 })).toBe('+6');
    expect(reckoned({ add: -0.4 })).toBe('−0.4');
    expect(reckoned({})).toBe('');
  });

  it('speaks of the queue', () => {
    const check = { finished: 0, processing: 0, restarted: 0, waiting: 1, done: false, faulted: false, wait_time: 0, kudos: 0, is_possible: true };
    expect(waiting({ ...check, queue_position: 3 })).toBe('3rd in the queue');
    expect(waiting({ ...check, queue_position: 0 })).toBe('Waiting for a worker');
    expect([1, 2, 3, 11, 21].map(ordinal)).toEqual(['1st', '2nd', '3rd', '11th', '21st']);
    expect([0.2, 89, 120, 7200].map(seconds)).toEqual(['1 s', '1 min 29 s', '2 min', '2 h']);
  });
});
