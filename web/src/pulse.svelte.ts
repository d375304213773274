// The horde's pulse: which models it serves, how busy it is, whether it
// answers. Refreshed while the page is looked at.

import { HordeError, type ActiveModel, type Heartbeat, type Modes, type Performance } from './api';
import { horde } from './account.svelte';
import { served, stateOf } from './state';

/** Milliseconds between two rounds; the first and the longest pause after a failed one. */
const EVERY = 15_000;
const SOON = 1500;
/** How long one round may take, ms: a server that is silent longer does not answer. */
const PATIENCE = 10_000;

class Pulse {
  /** All that the server lists: those that are served, and those only waited for. */
  models = $state<ActiveModel[]>();
  performance = $state<Performance>();
  heartbeat = $state<Heartbeat>();
  modes = $state<Modes>();
  /** Why the last round failed; undefined if it was answered in full. */
  error = $state<HordeError>();
  /** Time of the last full answer, ms. */
  at = $state(0);
  /** How often the server was there again after it had not answered. */
  recoveries = $state(0);

  readonly state = $derived(stateOf(this));
  readonly served = $derived(served(this.models));

  #failed = 0;
  #asking = false;

  /** Starts refreshing; the returned function stops it. */
  follow(): () => void {
    let timer: ReturnType<typeof setTimeout>;
    let stopped = false;
    const next = async () => {
      clearTimeout(timer);
      if (!document.hidden) await this.refresh();
      if (!stopped) timer = setTimeout(next, this.#pause());
    };
    const seen = () => {
      if (!document.hidden && (this.error || Date.now() - this.at > EVERY)) void next();
    };
    void next();
    document.addEventListener('visibilitychange', seen);
    addEventListener('online', seen);
    return () => {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
      removeEventListener('online', seen);
    };
  }

  // A server that does not answer is asked sooner again, so that the page is back
  // soon after it is.
  #pause(): number {
    return this.#failed ? Math.min(EVERY, SOON * 1.5 ** (this.#failed - 1)) : EVERY;
  }

  async refresh(): Promise<void> {
    if (this.#asking) return; // of a server that does not answer, once is enough
    this.#asking = true;
    try {
      await this.#ask();
    } finally {
      this.#asking = false;
    }
  }

  async #ask(): Promise<void> {
    const [heartbeat, performance, models, modes] = await Promise.allSettled([
      inTime(horde.heartbeat()),
      inTime(horde.performance()),
      inTime(horde.models()),
      inTime(horde.modes()),
    ]);

    // What was answered is taken, also where something else was not.
    if (heartbeat.status === 'fulfilled') this.heartbeat = heartbeat.value;
    if (performance.status === 'fulfilled') this.performance = performance.value;
    if (models.status === 'fulfilled') {
      this.models = models.value.sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
    }
    if (modes.status === 'fulfilled') this.modes = modes.value;

    const failed = [heartbeat, performance, models, modes].find((answer) => answer.status === 'rejected');
    if (failed) {
      this.#failed++;
      this.error = failed.reason as HordeError;
      return;
    }
    if (this.#failed > 0) this.recoveries++;
    this.#failed = 0;
    this.error = undefined;
    this.at = Date.now();
  }
}

function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new HordeError('The horde does not answer.', 0)), PATIENCE);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

export const pulse = new Pulse();
