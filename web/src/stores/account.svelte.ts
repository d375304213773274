// Whose kudos pay: the API key in use, and the account behind it.

import { ANONYMOUS_KEY, HordeClient, HordeError } from '../lib/api/client';
import type { History, Movement, User, Webhooks } from '../lib/api/types';
import { load, store } from '../lib/storage';

/** Movements of kudos that the account menu shows. */
const MAX_MOVEMENTS = 5;

/** Webhooks that it shows. */
const MAX_WEBHOOKS = 10;

class Account {
  key = $state(load('apikey') || ANONYMOUS_KEY);
  user = $state<User>();
  /** The newest movements of the account's kudos; undefined until they were asked for. */
  movements = $state.raw<Movement[]>();
  /** What it earned today of what nobody paid for; undefined as long as they are. */
  unpaid = $state.raw<History['unpaid']>();
  /** The account's webhooks that were not taken; undefined until they were asked for. */
  webhooks = $state.raw<Webhooks>();
  error = $state<HordeError>();
  loading = $state(false);

  readonly anonymous = $derived(this.key === ANONYMOUS_KEY);

  /** The number of the newest look-up: answers to older ones come too late. */
  #lookup = 0;

  /** Takes another key (an empty one: anonymous) and looks its account up. */
  use(key: string): Promise<void> {
    this.key = key.trim() || ANONYMOUS_KEY;
    store('apikey', this.key === ANONYMOUS_KEY ? '' : this.key);
    this.user = undefined;
    this.movements = undefined;
    this.unpaid = undefined;
    this.webhooks = undefined;
    return this.refresh();
  }

  /** Loads the newest movements of kudos, where there is an account to show them to. */
  async loadMovements(): Promise<void> {
    const key = this.key;
    if (this.anonymous || !this.user) return;

    const history = await client.history(key, MAX_MOVEMENTS).catch(() => undefined);
    if (key !== this.key || !history) return;
    this.movements = history.movements;
    this.unpaid = history.unpaid;
  }

  /** Loads the webhooks that were not taken, where there is an account to show them to. */
  async loadWebhooks(): Promise<void> {
    const key = this.key;
    if (this.anonymous || !this.user) return;

    const webhooks = await client.webhooks(key, MAX_WEBHOOKS).catch(() => undefined);
    if (key === this.key && webhooks) this.webhooks = webhooks;
  }

  /** Has a webhook sent again. */
  async replayWebhook(id: string): Promise<void> {
    await client.replayWebhook(this.key, id).catch(() => undefined); // the list shows what became of it
    await this.loadWebhooks();
  }

  /** Gets a new secret for the account's webhooks. Nobody can read it again. */
  async newWebhookSecret(): Promise<string> {
    const secret = await client.newWebhookSecret(this.key);
    await this.loadWebhooks();
    return secret;
  }

  async refresh(): Promise<void> {
    const lookup = ++this.#lookup;
    this.loading = true;
    this.error = undefined;
    try {
      const user = await client.findUser(this.key);
      if (lookup !== this.#lookup) return;
      this.user = user;
      if (this.movements) void this.loadMovements();
    } catch (error) {
      if (lookup === this.#lookup) this.error = error as HordeError;
    } finally {
      if (lookup === this.#lookup) this.loading = false;
    }
  }
}

export const account = new Account();

/** The client of the horde that serves this page, with the visitor's key. */
export const client = new HordeClient(() => account.key, `horde-web:${__VERSION__}:built-in page`);
