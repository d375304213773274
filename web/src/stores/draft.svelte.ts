// The settings being written: kept over reloads, checked before they are sent, with the
// server's errors beside the fields that they are about.

import type { ImageRequestBody, Price } from '../lib/api/types';
import { readImageFile } from '../lib/images';
import type { StoredImage } from '../lib/imageStore';
import {
  BUILT_IN_MODEL,
  defaultSettings,
  errorsByField,
  SAMPLERS,
  toRequestBody,
  validate,
  withListedLoras,
  withModel,
  type Settings,
  type SettingsField,
} from '../lib/settings';
import { loadJSON, store } from '../lib/storage';
import { client } from './account.svelte';
import { hordeStatus } from './hordeStatus.svelte';
import { loras } from './loras.svelte';
import { RequestDraft } from './requestDraft.svelte';
import { requests } from './requests.svelte';

/** An image to start from. */
export interface SourceImage {
  name: string;
  /** Without a data: prefix. */
  base64: string;
}

class Draft extends RequestDraft<Settings, SettingsField, ImageRequestBody> {
  source = $state.raw<SourceImage>();

  #modelChosen = loadJSON<Partial<Settings>>('draft', {}).model !== undefined;

  constructor() {
    super({ ...defaultSettings(), ...loadJSON<Partial<Settings>>('draft', {}) });
  }

  keep(): void {
    store('draft', JSON.stringify(this.settings));
  }

  setModel(model: string): void {
    this.#modelChosen = true;
    this.settings = withModel(this.settings, model);
    delete this.errors.model;
  }

  /** The built-in model is the first choice of a visitor who made none. */
  preselectModel(): void {
    if (this.#modelChosen || !hordeStatus.models?.some(({ name }) => name === BUILT_IN_MODEL)) return;
    this.setModel(BUILT_IN_MODEL);
  }

  async loadSource(file: File): Promise<void> {
    try {
      this.source = { name: file.name, base64: await readImageFile(file) };
      delete this.errors.source;
    } catch {
      this.errors.source = 'This file is not an image that the browser can read.';
    }
  }

  async useAsSource(image: StoredImage): Promise<void> {
    this.source = { name: `“${image.prompt}”`, base64: await readImageFile(image.blob) };
  }

  /** Takes the settings of an image, its seed too. */
  reuse(image: StoredImage): void {
    const { prompt, negative, width, height, steps, cfg, seed, loras = [] } = image;
    const sampler = SAMPLERS.find((name) => name === image.sampler) ?? this.settings.sampler;

    this.#modelChosen = true;
    this.errors = {};
    this.failure = undefined;
    const taken = { prompt, negative, width, height, steps, cfg, sampler, seed, loras, model: image.requestedModel };
    this.settings = { ...this.settings, ...taken };
  }

  /** Takes the settings of a request. */
  restore(settings: Settings): void {
    this.#modelChosen = true;
    this.settings = { ...defaultSettings(), ...settings, downgrade: undefined };
  }

  /** Makes the images small enough to need no kudos upfront, as far as the horde would. */
  async shrink(): Promise<boolean> {
    try {
      const { width, height, steps } = await client.price({ ...this.pricedBody(), allow_downgrade: true });
      const old = this.settings;
      this.settings = { ...old, width: width ?? old.width, height: height ?? old.height, steps: steps ?? old.steps };
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  protected validate = validate;
  protected sortErrors = errorsByField;

  protected post(settings: Settings): Promise<void> {
    return requests.send(asShown(settings), this.source?.base64 ?? '');
  }

  protected pricedBody(): ImageRequestBody {
    const settings = { ...asShown($state.snapshot(this.settings)), prompt: 'an image', negative: '' };
    return toRequestBody(settings, this.source?.base64 ?? '');
  }

  protected callPrice(body: ImageRequestBody, signal?: AbortSignal): Promise<Price> {
    return client.price(body, signal);
  }

  protected override hasSource(): boolean {
    return this.source !== undefined;
  }
}

/** Settings as the form shows them: LoRAs taken over from an image may be gone. */
function asShown(settings: Settings): Settings {
  return withListedLoras(settings, loras.list);
}

export const draft = new Draft();
