// The requests of this page: sent, followed, and picked up again after a reload.

import { HordeError } from '../lib/api/client';
import type { Accepted } from '../lib/api/types';
import { toRequestBody, type Settings } from '../lib/settings';
import { loadJSON, store } from '../lib/storage';
import { account, client } from './account.svelte';
import { ImageRequest } from './imageRequest.svelte';

/** A rate limit of so many seconds or fewer is waited for rather than shown. */
const SHORT_WAIT = 2;

class Requests {
  /** Newest first. */
  list = $state.raw<ImageRequest[]>([]);

  readonly #onEnd = (request: ImageRequest): void => {
    forget(request);
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
      const accepted = await generate(settings, source);
      request.id = accepted.id;
      request.follow(accepted);
      remember(request);
    } catch (error) {
      this.dismiss(request);
      throw error;
    }
  }

  /** Picks up what was being generated when the page was left, or is in another tab. */
  resume(): void {
    this.list = pending().map(({ id, settings, startedAt }) => new ImageRequest(settings, startedAt, this.#onEnd, id));
    for (const request of this.list) request.follow();
  }

  dismiss(request: ImageRequest): void {
    this.list = this.list.filter((other) => other !== request);
    forget(request);
  }
}

// Who sends two requests within a second may meet the rate limit; a short wait then
// beats an error.
async function generate(settings: Settings, source: string): Promise<Accepted> {
  const body = toRequestBody(settings, source);
  try {
    return await client.generate(body);
  } catch (error) {
    const shortly = error instanceof HordeError && error.status === 429 && !error.rc && error.retryAfter <= SHORT_WAIT;
    if (!shortly) throw error;

    await new Promise((resolve) => setTimeout(resolve, Math.max(1, error.retryAfter) * 1000));
    return client.generate(body);
  }
}

/** A request as it survives a reload. */
interface Pending {
  id: string;
  settings: Settings;
  startedAt: number;
}

// What is pending is kept for all tabs together: each changes its own entries alone.
function pending(): Pending[] {
  const kept = loadJSON<unknown>('pending', []);
  return Array.isArray(kept) ? (kept as Pending[]).filter((p) => typeof p?.id === 'string' && p.settings) : [];
}

function remember({ id, settings, startedAt }: ImageRequest): void {
  keep([{ id, settings, startedAt }, ...pending().filter((p) => p.id !== id)]);
}

function forget({ id }: ImageRequest): void {
  if (id) keep(pending().filter((p) => p.id !== id));
}

function keep(list: Pending[]): void {
  store('pending', list.length ? JSON.stringify(list) : '');
}

export const requests = new Requests();
