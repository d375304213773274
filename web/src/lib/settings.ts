// The settings of a request as the form holds them: their limits, presets and defaults,
// and how they become a request.

import { imageParams } from '../gen/limits';
import type { ImageRequestBody, Sampler } from './api/types';
import { sortErrors } from './fieldErrors';

/** A LoRA that was chosen, with one strength for the model and the text encoder. */
export interface ChosenLora {
  name: string;
  strength: number;
}

/** The form's content. */
export interface Settings {
  prompt: string;
  /** The negative prompt. */
  negative: string;
  /** '' is any model. */
  model: string;
  width: number;
  height: number;
  steps: number;
  cfg: number;
  sampler: Sampler;
  /** Text as typed; '' lets the worker choose. */
  seed: string;
  /** The number of images. */
  n: number;
  /** The denoising strength: how far the image may leave the source image. */
  strength: number;
  /** Styles of the built-in model; sent with it only. */
  loras: ChosenLora[];
  /** The horde may make the images smaller rather than refuse them. */
  downgrade?: boolean;
}

/** The form's fields that can be wrong. */
export type SettingsField = keyof Settings | 'source';

/** Messages by field. */
export type FieldErrors = Partial<Record<SettingsField, string>>;

/** Limits of the API, as attributes of number inputs. */
export const LIMITS = {
  side: { min: imageParams.width.minimum, max: imageParams.width.maximum, step: imageParams.width.multipleOf },
  steps: { min: imageParams.steps.minimum, max: imageParams.steps.maximum },
  cfg: { min: imageParams.cfg_scale.minimum, max: imageParams.cfg_scale.maximum },
  n: { min: imageParams.n.minimum, max: imageParams.n.maximum },
  strength: { min: imageParams.denoising_strength.minimum, max: imageParams.denoising_strength.maximum },
  // The built-in model's, which are narrower than the API's.
  lora: { min: -1, max: 2 },
} as const;

export const SAMPLERS: readonly Sampler[] = imageParams.sampler_name.values;

export const SIZE_PRESETS = [
  { name: 'Square', width: 512, height: 512 },
  { name: 'Portrait', width: 512, height: 768 },
  { name: 'Landscape', width: 768, height: 512 },
  { name: 'Tall', width: 576, height: 1024 },
  { name: 'Wide', width: 1024, height: 576 },
  { name: 'Large', width: 1024, height: 1024 },
] as const;

/** The built-in model of a horde. */
export const BUILT_IN_MODEL = 'horde_pocket';

/** The settings that each model has good defaults of. */
type ModelSettings = Pick<Settings, 'steps' | 'cfg' | 'sampler'>;

/** Good settings for a model. */
export function modelDefaults(model: string): ModelSettings {
  if (model === BUILT_IN_MODEL) return { steps: 24, cfg: 3.5, sampler: 'k_dpmpp_2m' };
  return { steps: 30, cfg: 7, sampler: 'k_euler_a' };
}

export function defaultSettings(): Settings {
  return {
    prompt: '',
    negative: '',
    model: '',
    width: 512,
    height: 512,
    ...modelDefaults(''),
    seed: '',
    n: 1,
    strength: 0.6,
    loras: [],
  };
}

/** Changes the model; settings that were its defaults follow, others stay. */
export function withModel(settings: Settings, model: string): Settings {
  const before = modelDefaults(settings.model);
  const after = modelDefaults(model);
  const untouched = (key: keyof ModelSettings) => settings[key] === before[key];

  return {
    ...settings,
    model,
    steps: untouched('steps') ? after.steps : settings.steps,
    cfg: untouched('cfg') ? after.cfg : settings.cfg,
    sampler: untouched('sampler') ? after.sampler : settings.sampler,
  };
}

/** Chooses a LoRA or changes its strength; undefined leaves it out. */
export function withLora(settings: Settings, name: string, strength: number | undefined): Settings {
  const others = settings.loras.filter((lora) => lora.name !== name);
  return { ...settings, loras: strength === undefined ? others : [...others, { name, strength }] };
}

/** Leaves out the LoRAs that cannot be seen in the form: those that the horde does not list. */
export function withListedLoras(settings: Settings, listed: readonly { name: string }[]): Settings {
  return { ...settings, loras: settings.loras.filter((lora) => listed.some(({ name }) => name === lora.name)) };
}

/** The body of a request. source is base64 without a data: prefix, or ''. */
export function toRequestBody(settings: Settings, source = ''): ImageRequestBody {
  const body: ImageRequestBody = {
    prompt: joinPrompt(settings.prompt, settings.negative),
    params: {
      steps: settings.steps,
      n: settings.n,
      width: settings.width,
      height: settings.height,
      sampler_name: settings.sampler,
      cfg_scale: settings.cfg,
      karras: true,
    },
    models: settings.model ? [settings.model] : [],
    nsfw: false,
    censor_nsfw: true,
    r2: true,
    slow_workers: true,
  };

  const seed = settings.seed.trim();
  if (seed) body.params.seed = seed;
  // One of strength 0 does nothing, and would be charged.
  const loras = settings.loras.filter(({ strength }) => strength !== 0);
  if (settings.model === BUILT_IN_MODEL && loras.length > 0) {
    // The trigger words are added to the prompt.
    body.params.loras = loras.map(({ name, strength }) => {
      return { name, model: strength, clip: strength, inject_trigger: 'any', is_version: false };
    });
  }
  if (settings.downgrade) body.allow_downgrade = true;
  if (source) {
    body.source_image = source;
    body.source_processing = 'img2img';
    body.params.denoising_strength = settings.strength;
  }
  return body;
}

// The API takes both prompts in one text.
function joinPrompt(prompt: string, negative: string): string {
  return negative.trim() ? `${prompt.trim()} ### ${negative.trim()}` : prompt.trim();
}

/** What is wrong with settings before they are sent. */
export function validate(settings: Settings): FieldErrors {
  const errors: FieldErrors = {};
  if (!settings.prompt.trim()) errors.prompt = 'Write what the image should show.';

  for (const side of ['width', 'height'] as const) {
    const { min, max, step } = LIMITS.side;
    if (!isWithin(settings[side], LIMITS.side) || settings[side] % step !== 0) {
      errors[side] = `A multiple of ${step} from ${min} to ${max}.`;
    }
  }

  for (const field of ['steps', 'n'] as const) {
    const { min, max } = LIMITS[field];
    if (!isWithin(settings[field], LIMITS[field]) || !Number.isInteger(settings[field])) {
      errors[field] = `A whole number from ${min} to ${max}.`;
    }
  }

  const { min, max } = LIMITS.cfg;
  if (!isWithin(settings.cfg, LIMITS.cfg) || !hasTwoDecimals(settings.cfg)) {
    errors.cfg = `From ${min} to ${max}, at most two decimals.`;
  }
  return errors;
}

// An emptied number input gives null.
function isWithin(value: unknown, { min, max }: { min: number; max: number }): boolean {
  return typeof value === 'number' && value >= min && value <= max;
}

function hasTwoDecimals(value: number): boolean {
  return Math.abs(value * 100 - Math.round(value * 100)) < 1e-9;
}

/** The field of the form for a path of the API's request. */
const FIELD_OF_PATH: Record<string, SettingsField> = {
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
  'params.loras': 'loras',
};

/** Sorts the server's validation errors by the form's fields. */
export function errorsByField(errors: Record<string, string>): { fields: FieldErrors; rest: string[] } {
  return sortErrors(errors, FIELD_OF_PATH);
}
