// The settings being written: kept over reloads, checked before they are sent, with the
// server's errors beside the fields that they are about.

import { HordeError } from '../lib/api/client';
import type { ImageRequestBody, Price } from '../lib/api/types';
import { readImageFile } from '../lib/images';
import type { StoredImage } from '../lib/imageStore';
import { inPageWords, refusalOf, type Refusal } from '../lib/refusals';
import {
  BUILT_IN_MODEL,
  defaultSettings,
  errorsByField,
  SAMPLERS,
  toRequestBody,
  validate,
  withListedLoras,
  withModel,
  type FieldErrors,
  type Settings,
  type SettingsField,
} from '../lib/settings';
import { loadJSON, store } from '../lib/storage';
import { account, client } from './account.svelte';
import { hordeStatus } from './hordeStatus.svelte';
import { loras } from './loras.svelte';
import { requests } from './requests.svelte';

/** An image to start from. */
export interface SourceImage {
  name: string;
  /** Without a data: prefix. */
  base64: string;
}

/** The pause after the last change before the price is asked, ms. */
const PRICE_DELAY = 900;

class Draft {
  settings = $state<Settings>({ ...defaultSettings(), ...loadJSON<Partial<Settings>>('draft', {}) });
  source = $state.raw<SourceImage>();
  errors = $state<FieldErrors>({});
  /** Why the request was refused when it was sent. */
  failure = $state.raw<Refusal>();
  sending = $state(false);
  /** As the horde computes it; undefined while unknown. */
  price = $state.raw<Price>();
  /** Why the horde would refuse the settings as they are; undefined if it would not. */
  foreseen = $state.raw<Refusal>();

  #modelChosen = loadJSON<Partial<Settings>>('draft', {}).model !== undefined;
  /** The call for the price that is under way. */
  #pricing: AbortController | undefined;

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

  /** The field was changed: the error about it is out of date. */
  touched(field: SettingsField): void {
    delete this.errors[field];
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
      const { width, height, steps } = await client.price({ ...this.#pricedBody(), allow_downgrade: true });
      const old = this.settings;
      this.settings = { ...old, width: width ?? old.width, height: height ?? old.height, steps: steps ?? old.steps };
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** Sends the request. False: it was not taken, and errors or failure say why. */
  async send({ downgrade = false } = {}): Promise<boolean> {
    this.#pricing?.abort();
    this.failure = undefined;
    this.errors = validate(this.settings);
    if (Object.keys(this.errors).length > 0) return false;

    this.sending = true;
    try {
      const settings = { ...this.#shown(), downgrade: downgrade || undefined };
      await requests.send(settings, this.source?.base64 ?? '');
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    } finally {
      this.sending = false;
    }
  }

  /**
   * Asks what the settings would cost, once they have not changed for a moment. Run as an
   * effect: the returned function drops the question.
   */
  askPrice(): () => void {
    const settings = $state.snapshot(this.settings);
    const body = this.#pricedBody();
    void account.key; // each account has its own price
    void hordeStatus.recoveries; // what was not answered is asked again
    this.failure = undefined; // it was about what the settings were before

    const asked = new AbortController();
    const timer = setTimeout(() => {
      if (Object.keys(validate(settings)).length > 0) return this.#setPrice(undefined);
      this.#pricing = asked;
      client.price(body, asked.signal).then(
        (price) => this.#setPrice(price),
        (error) => !asked.signal.aborted && this.#setPrice(undefined, this.#foresee(error)),
      );
    }, PRICE_DELAY);

    return () => {
      clearTimeout(timer);
      asked.abort();
    };
  }

  #setPrice(price: Price | undefined, foreseen?: Refusal): void {
    this.price = price && { ...price, notes: price.notes.map(inPageWords) };
    this.foreseen = foreseen;
  }

  // What is worth being told before sending: what sending would not get past.
  #foresee(error: unknown): Refusal | undefined {
    return error instanceof HordeError && error.status < 429 && error.rc !== '' ? this.#explain(error) : undefined;
  }

  #fail(error: unknown): void {
    this.failure = this.#explain(error);
    if (!(error instanceof HordeError)) return;

    const { fields, rest } = errorsByField(error.fields);
    this.errors = fields;
    if (rest.length > 0) this.failure = { ...this.failure, text: rest.join(' · ') };
  }

  #explain(error: unknown): Refusal {
    return refusalOf(error, { anonymous: account.anonymous, source: this.source !== undefined });
  }

  // The settings as the form shows them: LoRAs taken over from an image may be gone.
  #shown(): Settings {
    return withListedLoras($state.snapshot(this.settings), loras.list);
  }

  // No price depends on the words: half-written ones stay here.
  #pricedBody(): ImageRequestBody {
    const settings = { ...this.#shown(), prompt: 'an image', negative: '' };
    return toRequestBody(settings, this.source?.base64 ?? '');
  }
}

export const draft = new Draft();
