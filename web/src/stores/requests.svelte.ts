// The requests of this page: sent, followed, and picked up again after a reload.

import { overShortWait } from '../lib/api/shortWait';
import { PendingRequests } from '../lib/pending';
import { toRequestBody, type Settings } from '../lib/settings';
import { account, client } from './account.svelte';
import { ImageRequest } from './imageRequest.svelte';

const pending = new PendingRequests<Settings>('pending');

class Requests {
  /** Newest first. */
  list = $state.raw<ImageRequest[]>([]);

  readonly #onEnd = (id: string): void => {
    pending.forget(id);
    void account.refresh();
  };

  /**
   * Sends a request. Throws a HordeError if the horde refuses it; then nothing is left of
   * it. source is base64, or ''.
   */
  async send(settings: Settings, source: string): Promise<void> {
    const request = new ImageRequest({ ...settings }, Date.now(), this.#onEnd);
    this.list = [request, ...this.list.filter((other) => other.running || other.phase === 'failed')];
    try {
      const body = toRequestBody(settings, source);
      const accepted = await overShortWait(() => client.generate(body));
      request.id = accepted.id;
      request.follow(accepted);
      pending.remember(request);
    } catch (error) {
      this.dismiss(request);
      throw error;
    }
  }

  /** Picks up what was being generated when the page was left, or is in another tab. */
  resume(): void {
    const { list } = pending;
    this.list = list.map(({ id, settings, startedAt }) => new ImageRequest(settings, startedAt, this.#onEnd, id));
    for (const request of this.list) request.follow();
  }

  dismiss(request: ImageRequest): void {
    this.list = this.list.filter((other) => other !== request);
    pending.forget(request.id);
  }
}

export const requests = new Requests();
