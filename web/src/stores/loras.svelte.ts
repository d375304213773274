// The LoRAs that the server lists: asked for once, when a model is served that has some.

import type { LoraInfo } from '../lib/api/types';
import { client } from './account.svelte';

class Loras {
  list = $state.raw<LoraInfo[]>([]);
  #asked = false;

  /** Asks, unless it was asked before; after a failure the next call asks again. */
  async load(): Promise<void> {
    if (this.#asked) return;
    this.#asked = true;
    try {
      this.list = await client.loras();
    } catch {
      this.#asked = false;
    }
  }
}

export const loras = new Loras();
