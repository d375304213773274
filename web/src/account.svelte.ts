// Whose kudos pay: the API key in use, and the account behind it.

import { ANONYMOUS, Horde, HordeError, type Movement, type User } from './api';
import { load, store } from './storage';

/** Movements that the account box shows. */
const RECENT = 5;

class Account {
  key = $state(load('apikey') || ANONYMOUS);
  user = $state<User>();
  /** What moved the kudos last; undefined until it was asked for. */
  movements = $state.raw<Movement[]>();
  error = $state<HordeError>();
  loading = $state(false);

  readonly anonymous = $derived(this.key === ANONYMOUS);

  #asked = 0;

  /** Takes another key (an empty one: anonymous) and looks its account up. */
  use(key: string): Promise<void> {
    this.key = key.trim() || ANONYMOUS;
    store('apikey', this.key === ANONYMOUS ? '' : this.key);
    this.user = undefined;
    this.movements = undefined;
    return this.refresh();
  }

  /** Asks what moved the kudos last, where there is an account to show it to. */
  async look(): Promise<void> {
    const key = this.key;
    if (this.anonymous || !this.user) return;
    const movements = await horde.history(key, RECENT).catch(() => undefined);
    if (key === this.key && movements) this.movements = movements;
  }

  async refresh(): Promise<void> {
    const asked = ++this.#asked;
    this.loading = true;
    this.error = undefined;
    try {
      const user = await horde.findUser(this.key);
      if (asked !== this.#asked) return;
      this.user = user;
      if (this.movements) void this.look();
    } catch (error) {
      if (asked === this.#asked) this.error = error as HordeError;
    } finally {
      if (asked === this.#asked) this.loading = false;
    }
  }
}

export const account = new Account();

/** The horde that serves this page, spoken to with the visitor's key. */
export const horde = new Horde(() => account.key, `horde-web:${__VERSION__}:built-in page`);
