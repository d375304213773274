// The text workers of the horde, asked for while the page of texts is shown.

import type { HordeError } from '../lib/api/client';
import type { TextWorker } from '../lib/api/types';
import { textModels } from '../lib/textOffers';
import { client } from './account.svelte';

class TextWorkers {
  /** Undefined until they were asked for. */
  list = $state.raw<TextWorker[]>();
  /** Why the last question failed; undefined if it was answered. */
  error = $state.raw<HordeError>();

  readonly models = $derived(textModels(this.list ?? []));

  /** The number of the newest question: answers to older ones come too late. */
  #newest = 0;

  async refresh(): Promise<void> {
    const asked = ++this.#newest;
    try {
      const list = await client.textWorkers();
      if (asked !== this.#newest) return;
      this.list = list;
      this.error = undefined;
    } catch (error) {
      if (asked === this.#newest) this.error = error as HordeError;
    }
  }
}

export const textWorkers = new TextWorkers();
