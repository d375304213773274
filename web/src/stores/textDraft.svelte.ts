// The settings of the text being asked for: kept over reloads.

import type { Price, TextRequestBody } from '../lib/api/types';
import { loadJSON, store } from '../lib/storage';
import { contextFor, longestText } from '../lib/textOffers';
import {
  defaultTextSettings,
  textErrorsByField,
  toTextBody,
  validateText,
  type TextErrors,
  type TextField,
  type TextSettings,
} from '../lib/textSettings';
import { client } from './account.svelte';
import { RequestDraft } from './requestDraft.svelte';
import { textRequests } from './textRequests.svelte';
import { textWorkers } from './textWorkers.svelte';

class TextDraft extends RequestDraft<TextSettings, TextField, TextRequestBody> {
  constructor() {
    super({ ...defaultTextSettings(), ...loadJSON<Partial<TextSettings>>('text-draft', {}) });
  }

  /** The most tokens that somebody generates with the chosen model. */
  get maxLength(): number {
    return longestText(textWorkers.list ?? [], this.settings.model);
  }

  keep(): void {
    store('text-draft', JSON.stringify(this.settings));
  }

  /** Takes the settings of a request. */
  restore(settings: TextSettings): void {
    this.errors = {};
    this.settings = { ...defaultTextSettings(), ...settings, downgrade: undefined };
  }

  protected validate(settings: TextSettings): TextErrors {
    return validateText(settings, longestText(textWorkers.list ?? [], settings.model));
  }

  protected sortErrors = textErrorsByField;

  protected post(settings: TextSettings): Promise<void> {
    return textRequests.send(settings);
  }

  protected pricedBody(): TextRequestBody {
    const settings = { ...$state.snapshot(this.settings), prompt: 'a text', stop: '' };
    return toTextBody(settings, contextFor(textWorkers.list ?? [], settings.model, settings.length));
  }

  protected callPrice(body: TextRequestBody, signal?: AbortSignal): Promise<Price> {
    return client.textPrice(body, signal);
  }
}

export const textDraft = new TextDraft();
