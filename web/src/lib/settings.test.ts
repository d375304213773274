import { describe, expect, it } from 'vitest';
import {
  BUILT_IN_MODEL,
  defaultSettings,
  errorsByField,
  toRequestBody,
  validate,
  withListedLoras,
  withLora,
  withModel,
} from './settings';

const settings = { ...defaultSettings(), prompt: ' a red fox ' };

describe('settings', () => {
  it('become a request for any model', () => {
    expect(toRequestBody(settings)).toMatchObject({
      prompt: 'a red fox',
      models: [],
      params: { n: 1, width: 512, height: 512, steps: 30, cfg_scale: 7, sampler_name: 'k_euler_a' },
    });
    expect(toRequestBody(settings).params).not.toHaveProperty('seed');
    expect(toRequestBody(settings)).not.toHaveProperty('source_image');
  });

  it('carry negative prompt, seed, model and source image', () => {
    const full = toRequestBody(
      { ...settings, negative: 'snow ', seed: ' 42 ', model: BUILT_IN_MODEL, strength: 0.3 },
      'UklGR',
    );
    expect(full.prompt).toBe('a red fox ### snow');
    expect(full).toMatchObject({
      models: [BUILT_IN_MODEL],
      source_image: 'UklGR',
      source_processing: 'img2img',
      params: { seed: '42', denoising_strength: 0.3 },
    });
  });

  it('carry the LoRAs of the built-in model, and of no other', () => {
    const night = withLora({ ...settings, model: BUILT_IN_MODEL }, 'night', 1);
    const both = withLora(withLora(night, 'pixel-art', 1), 'night', 0.8);
    expect(toRequestBody(both).params.loras).toEqual([
      { name: 'pixel-art', model: 1, clip: 1, inject_trigger: 'any', is_version: false },
      { name: 'night', model: 0.8, clip: 0.8, inject_trigger: 'any', is_version: false },
    ]);
    expect(toRequestBody({ ...both, model: '' }).params).not.toHaveProperty('loras');
    expect(toRequestBody(withLora(night, 'night', undefined)).params).not.toHaveProperty('loras');
  });

  it('carry no LoRA without an effect, nor one that the form does not show', () => {
    const night = withLora({ ...settings, model: BUILT_IN_MODEL }, 'night', 1);
    const none = withLora(withLora(night, 'night', undefined), 'pixel-art', 0);
    expect(toRequestBody(none).params).not.toHaveProperty('loras');
    expect(toRequestBody(withListedLoras(night, [])).params).not.toHaveProperty('loras');
    expect(withListedLoras(withLora(night, 'gone', 1), [{ name: 'night' }]).loras).toEqual(night.loras);
  });

  it('follow the model unless they were changed', () => {
    const pocket = withModel(settings, BUILT_IN_MODEL);
    expect(pocket).toMatchObject({ model: BUILT_IN_MODEL, steps: 24, cfg: 3.5, sampler: 'k_dpmpp_2m' });
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
  ])('%o are wrong about %s', (change, field) => {
    expect(Object.keys(validate({ ...settings, ...change }))).toEqual([field]);
  });

  it('may be at their limits', () => {
    expect(validate({ ...settings, width: 64, height: 3072, steps: 500, cfg: 0.07, n: 20 })).toEqual({});
  });

  it('sort the errors of the server by field', () => {
    expect(
      errorsByField({ 'params.width': 'a', 'models.0': 'b', 'params.loras.0.name': 'e', webhook: 'c', '': 'd' }),
    ).toEqual({
      fields: { width: 'a', model: 'b', loras: 'e' },
      rest: ['webhook: c', 'd'],
    });
  });
});
