// The requests that are not done, as they survive a reload.

import { loadJSON, store } from './storage';

/** A request as it survives a reload. startedAt is in ms. */
export interface Pending<Settings> {
  id: string;
  settings: Settings;
  startedAt: number;
}

/** What is pending is kept for all tabs together: each changes its own entries alone. */
export class PendingRequests<Settings> {
  /** name is under what they are kept. */
  constructor(private readonly name: string) {}

  /** Newest first. */
  get list(): Pending<Settings>[] {
    const kept = loadJSON<unknown>(this.name, []);
    if (!Array.isArray(kept)) return [];
    return (kept as Pending<Settings>[]).filter((p) => typeof p?.id === 'string' && p.settings);
  }

  remember({ id, settings, startedAt }: Pending<Settings>): void {
    this.#keep([{ id, settings, startedAt }, ...this.list.filter((p) => p.id !== id)]);
  }

  forget(id: string): void {
    if (id) this.#keep(this.list.filter((p) => p.id !== id));
  }

  #keep(list: Pending<Settings>[]): void {
    store(this.name, list.length ? JSON.stringify(list) : '');
  }
}
