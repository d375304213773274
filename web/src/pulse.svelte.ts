// The horde's pulse: which models it serves, how busy it is, whether it
// answers. Refreshed while the page is looked at.

import { HordeError, type ActiveModel, type Heartbeat, type Performance } from './api';
import { horde } from './account.svelte';

const EVERY = 15_000;

class Pulse {
  models = $state<ActiveModel[]>();
  performance = $state<Performance>();
  heartbeat = $state<Heartbeat>();
  error = $state<HordeError>();
  /** Time of the last answer, ms. */
  at = $state(0);

  /** Starts refreshing; the returned function stops it. */
  follow(): () => void {
    void this.refresh();
    const timer = setInterval(() => {
      if (!document.hidden) void this.refresh();
    }, EVERY);
    const seen = () => {
      if (!document.hidden && Date.now() - this.at > EVERY) void this.refresh();
    };
    document.addEventListener('visibilitychange', seen);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }

  #asking = false;

  async refresh(): Promise<void> {
    if (this.#asking) return; // of a server that does not answer, once is enough
    this.#asking = true;
    try {
      const [models, performance, heartbeat] = await Promise.all([
        horde.models(),
        horde.performance(),
        horde.heartbeat(),
      ]);
      models.sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
      this.models = models;
      this.performance = performance;
      this.heartbeat = heartbeat;
      this.error = undefined;
      this.at = Date.now();
    } catch (error) {
      this.error = error as HordeError;
    } finally {
      this.#asking = false;
    }
  }
}

export const pulse = new Pulse();
