// The status of the horde: which models it serves, how busy it is, whether it answers.
// Refreshed while the page is looked at.

import { HordeError } from '../lib/api/client';
import type { ActiveModel, Heartbeat, Modes, Performance } from '../lib/api/types';
import { servedModels, stateOf } from '../lib/hordeState';
import { client } from './account.svelte';

/** Time between two refreshes, ms; after a failed one it begins at RETRY_INTERVAL and grows. */
const REFRESH_INTERVAL = 15_000;
const RETRY_INTERVAL = 1500;
const RETRY_GROWTH = 1.5;
/** How long one refresh may take, ms: a server that is silent longer does not answer. */
const REFRESH_TIMEOUT = 10_000;

class HordeStatus {
  /** All that the server lists: models that are served, and those only waited for. */
  models = $state<ActiveModel[]>();
  performance = $state<Performance>();
  heartbeat = $state<Heartbeat>();
  modes = $state<Modes>();
  /** Why the last refresh failed; undefined if it was answered in full. */
  error = $state<HordeError>();
  /** Time of the last full answer, ms. */
  at = $state(0);
  /** How often the server was there again after it had not answered. */
  recoveries = $state(0);

  readonly state = $derived(stateOf(this));
  readonly served = $derived(servedModels(this.models));

  /** Refreshes that failed in a row. */
  #failures = 0;
  /** The number of the newest refresh: answers to older ones come too late. */
  #newest = 0;
  #asking = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts refreshing; the returned function stops it. */
  follow(): () => void {
    // Of a server that does not answer, once at a time is enough.
    const onSeen = () => {
      const due = this.error || Date.now() - this.at > REFRESH_INTERVAL;
      if (!document.hidden && due && !this.#asking) void this.#refresh();
    };

    void this.#refresh();
    document.addEventListener('visibilitychange', onSeen);
    addEventListener('online', onSeen);
    return () => {
      this.#newest++;
      clearTimeout(this.#timer);
      document.removeEventListener('visibilitychange', onSeen);
      removeEventListener('online', onSeen);
    };
  }

  /**
   * Whoever asked the server something has an answer. With it an outage is over, however
   * long the pause before the next refresh is, and however long a refresh that began
   * during the outage still waits for nothing.
   */
  serverAnswered(): void {
    if (!this.error?.unanswered) return;
    this.error = undefined;
    void this.#refresh();
  }

  // Asks now, and again after a pause, until a newer refresh takes over.
  async #refresh(): Promise<void> {
    const refresh = ++this.#newest;
    clearTimeout(this.#timer);
    if (!document.hidden) {
      this.#asking = true;
      const answers = await ask();
      if (refresh !== this.#newest) return;
      this.#asking = false;
      this.#take(answers);
    }
    this.#timer = setTimeout(() => void this.#refresh(), this.#pause());
  }

  // A server that does not answer is asked sooner again, so that the page is back soon
  // after it is.
  #pause(): number {
    if (this.#failures === 0) return REFRESH_INTERVAL;
    return Math.min(REFRESH_INTERVAL, RETRY_INTERVAL * RETRY_GROWTH ** (this.#failures - 1));
  }

  #take(answers: Awaited<ReturnType<typeof ask>>): void {
    // What was answered is taken, also where something else was not.
    const [heartbeat, performance, models, modes] = answers;
    if (heartbeat.status === 'fulfilled') this.heartbeat = heartbeat.value;
    if (performance.status === 'fulfilled') this.performance = performance.value;
    if (models.status === 'fulfilled') this.models = models.value.sort(byWorkers);
    if (modes.status === 'fulfilled') this.modes = modes.value;

    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed) {
      this.#failures++;
      this.error = failed.reason as HordeError;
      return;
    }

    if (this.#failures > 0) this.recoveries++;
    this.#failures = 0;
    this.error = undefined;
    this.at = Date.now();
  }
}

function ask() {
  return Promise.allSettled([
    inTime(client.heartbeat()),
    inTime(client.performance()),
    inTime(client.models()),
    inTime(client.modes()),
  ]);
}

/** The order of models: those with the most workers first. */
function byWorkers(a: ActiveModel, b: ActiveModel): number {
  return b.count - a.count || a.name.localeCompare(b.name);
}

function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new HordeError('The horde does not answer.', 0)), REFRESH_TIMEOUT);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

export const hordeStatus = new HordeStatus();
