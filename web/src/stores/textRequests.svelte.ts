// The text requests of this page: sent, followed, and picked up again after a reload.

import { overShortWait } from '../lib/api/shortWait';
import { PendingRequests } from '../lib/pending';
import { contextFor } from '../lib/textOffers';
import { toTextBody, type TextSettings } from '../lib/textSettings';
import { account, client } from './account.svelte';
import { TextRequest } from './textRequest.svelte';
import { textWorkers } from './textWorkers.svelte';

const pending = new PendingRequests<TextSettings>('pending-texts');

class TextRequests {
  /** Newest first. Texts stay until they are dismissed, or the page is left. */
  list = $state.raw<TextRequest[]>([]);

  readonly #onEnd = (id: string): void => {
    pending.forget(id);
    void account.refresh();
  };

  /** Sends a request. Throws a HordeError if the horde refuses it; then nothing is left of it. */
  async send(settings: TextSettings): Promise<void> {
    const request = new TextRequest({ ...settings }, Date.now(), this.#onEnd);
    this.list = [request, ...this.list];
    try {
      const context = contextFor(textWorkers.list ?? [], settings.model, settings.length);
      const accepted = await overShortWait(() => client.generateText(toTextBody(settings, context)));
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
    this.list = list.map(({ id, settings, startedAt }) => new TextRequest(settings, startedAt, this.#onEnd, id));
    for (const request of this.list) request.follow();
  }

  dismiss(request: TextRequest): void {
    this.list = this.list.filter((other) => other !== request);
    pending.forget(request.id);
  }
}

export const textRequests = new TextRequests();
