// What the visitor asks for, and how it becomes a request: limits, presets,
// defaults of models, and the words for sizes and errors.

import type { ImageRequest } from './api';

/** The form's content. */
export interface Order {
  prompt: string;
  negative: string;
  /** '' is any model. */
  model: string;
  width: number;
  height: number;
  steps: number;
  cfg: number;
  sampler: string;
  /** Text as typed; '' lets the worker choose. */
  seed: string;
  n: number;
  /** How far the painting may leave the initial picture, 0.01…1. */
  strength: number;
  /** The horde may make the images smaller rather than refuse them. */
  downgrade?: boolean;
}

/** The limits of the API. */
export const LIMITS = {
  side: { min: 64, max: 3072, step: 64 },
  steps: { min: 1, max: 500 },
  cfg: { min: 0, max: 100 },
  n: { min: 1, max: 20 },
  strength: { min: 0.01, max: 1 },
} as const;

export const SAMPLERS = [
  'k_dpmpp_2m',
  'k_euler',
  'k_euler_a',
  'k_heun',
  'k_dpm_2',
  'k_dpm_2_a',
  'k_dpmpp_2s_a',
  'k_dpmpp_sde',
  'k_dpm_fast',
  'k_dpm_adaptive',
  'k_lms',
  'dpmsolver',
  'DDIM',
  'lcm',
] as const;

export const SIZES = [
  { name: 'Square', width: 512, height: 512 },
  { name: 'Portrait', width: 512, height: 768 },
  { name: 'Landscape', width: 768, height: 512 },
  { name: 'Tall', width: 576, height: 1024 },
  { name: 'Wide', width: 1024, height: 576 },
  { name: 'Large', width: 1024, height: 1024 },
] as const;

/** The built-in model of a horde. */
export const POCKET = 'horde_pocket';

type Settings = Pick<Order, 'steps' | 'cfg' | 'sampler'>;

/** Good settings for a model. */
export function settingsFor(model: string): Settings {
  if (model === POCKET) return { steps: 24, cfg: 3.5, sampler: 'k_dpmpp_2m' };
  return { steps: 30, cfg: 7, sampler: 'k_euler_a' };
}

export function emptyOrder(): Order {
  return {
    prompt: '',
    negative: '',
    model: '',
    width: 512,
    height: 512,
    ...settingsFor(''),
    seed: '',
    n: 1,
    strength: 0.6,
  };
}

/** Changes the model; settings that were its defaults follow, others stay. */
export function withModel(order: Order, model: string): Order {
  const before = settingsFor(order.model);
  const after = settingsFor(model);
  const untouched = (key: keyof Settings) => order[key] === before[key];
  return {
    ...order,
    model,
    steps: untouched('steps') ? after.steps : order.steps,
    cfg: untouched('cfg') ? after.cfg : order.cfg,
    sampler: untouched('sampler') ? after.sampler : order.sampler,
  };
}

/** The order as a request. source is base64 without a data: prefix, or ''. */
export function toRequest(order: Order, source = ''): ImageRequest {
  const negative = order.negative.trim();
  const request: ImageRequest = {
    prompt: negative ? `${order.prompt.trim()} ### ${negative}` : order.prompt.trim(),
    params: {
      steps: order.steps,
      n: order.n,
      width: order.width,
      height: order.height,
      sampler_name: order.sampler,
      cfg_scale: order.cfg,
      karras: true,
    },
    models: order.model ? [order.model] : [],
    nsfw: false,
    censor_nsfw: true,
    r2: true,
    slow_workers: true,
  };
  if (order.downgrade) request.allow_downgrade = true;
  if (order.seed.trim()) request.params.seed = order.seed.trim();
  if (source) {
    request.source_image = source;
    request.source_processing = 'img2img';
    request.params.denoising_strength = order.strength;
  }
  return request;
}

/** The form's fields that can be wrong. */
export type Field = keyof Order | 'source';

/** What is wrong with an order before it is sent, by field. */
export function faults(order: Order): Partial<Record<Field, string>> {
  const found: Partial<Record<Field, string>> = {};
  if (!order.prompt.trim()) found.prompt = 'Say what should be painted.';
  for (const side of ['width', 'height'] as const) {
    const { min, max, step } = LIMITS.side;
    if (!within(order[side], min, max) || order[side] % step !== 0) {
      found[side] = `A multiple of ${step} from ${min} to ${max}.`;
    }
  }
  if (!within(order.steps, LIMITS.steps.min, LIMITS.steps.max) || !Number.isInteger(order.steps)) {
    found.steps = 'A whole number from 1 to 500.';
  }
  if (!within(order.cfg, LIMITS.cfg.min, LIMITS.cfg.max) || !isHundredths(order.cfg)) {
    found.cfg = 'From 0 to 100, at most two decimals.';
  }
  if (!within(order.n, LIMITS.n.min, LIMITS.n.max) || !Number.isInteger(order.n)) {
    found.n = 'A whole number from 1 to 20.';
  }
  return found;
}

function within(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max;
}

function isHundredths(value: number): boolean {
  return Math.abs(value * 100 - Math.round(value * 100)) < 1e-9;
}

const PATHS: Record<string, Field> = {
  prompt: 'prompt',
  models: 'model',
  source_image: 'source',
  'params.steps': 'steps',
  'params.n': 'n',
  'params.width': 'width',
  'params.height': 'height',
  'params.sampler_name': 'sampler',
  'params.cfg_scale': 'cfg',
  'params.seed': 'seed',
  'params.denoising_strength': 'strength',
};

/**
 * Sorts the server's validation errors (dotted path → text) by the form's
 * fields; what belongs to no field is returned as rest.
 */
export function byField(errors: Record<string, string>): { fields: Partial<Record<Field, string>>; rest: string[] } {
  const fields: Partial<Record<Field, string>> = {};
  const rest: string[] = [];
  for (const [path, text] of Object.entries(errors)) {
    const field = PATHS[path] ?? PATHS[path.replace(/\.\d+$/, '')];
    if (field) fields[field] = text;
    else rest.push(path ? `${path}: ${text}` : text);
  }
  return { fields, rest };
}

/** Splits a sent prompt into what to paint and what to avoid. */
export function splitPrompt(prompt: string): { prompt: string; negative: string } {
  const [positive = '', ...negative] = prompt.split('###');
  return { prompt: positive.trim(), negative: negative.join('###').trim() };
}
