// What the drafts of image and text requests have in common: checking before they are
// sent, the server's errors beside the fields that they are about, and the price.

import { HordeError } from '../lib/api/client';
import type { Price } from '../lib/api/types';
import { inPageWords, refusalOf, type Refusal } from '../lib/refusals';
import { account } from './account.svelte';
import { hordeStatus } from './hordeStatus.svelte';

/** The pause after the last change before the price is asked, ms. */
const PRICE_DELAY = 900;

/** The settings being written, with fields by which errors are sorted, and the body of their request. */
export abstract class RequestDraft<Settings extends { downgrade?: boolean }, Field extends string, Body> {
  settings = $state() as Settings;
  errors = $state<Partial<Record<Field, string>>>({});
  /** Why the request was refused when it was sent. */
  failure = $state.raw<Refusal>();
  sending = $state(false);
  /** As the horde computes it; undefined while unknown. */
  price = $state.raw<Price>();
  /** Why the horde would refuse the settings as they are; undefined if it would not. */
  foreseen = $state.raw<Refusal>();

  /** The call for the price that is under way. */
  #pricing: AbortController | undefined;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  /** What is wrong with settings before they are sent. */
  protected abstract validate(settings: Settings): Partial<Record<Field, string>>;

  /** Sorts the server's validation errors (dotted path → text) by field. */
  protected abstract sortErrors(errors: Record<string, string>): {
    fields: Partial<Record<Field, string>>;
    rest: string[];
  };

  /** Sends a request; throws a HordeError if it is refused. */
  protected abstract post(settings: Settings): Promise<void>;

  /** The body by which the price is asked. No price depends on the words: half-written ones stay here. */
  protected abstract pricedBody(): Body;

  protected abstract callPrice(body: Body, signal?: AbortSignal): Promise<Price>;

  /** Whether a source image is sent along. */
  protected hasSource(): boolean {
    return false;
  }

  /** The field was changed: the error about it is out of date. */
  touched(field: Field): void {
    delete this.errors[field];
  }

  /** Sends the request. False: it was not taken, and errors or failure say why. */
  async send({ downgrade = false } = {}): Promise<boolean> {
    this.#pricing?.abort();
    this.failure = undefined;
    this.errors = this.validate(this.settings);
    if (Object.keys(this.errors).length > 0) return false;

    this.sending = true;
    try {
      await this.post({ ...($state.snapshot(this.settings) as Settings), downgrade: downgrade || undefined });
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    } finally {
      this.sending = false;
    }
  }

  /**
   * Asks what the settings would cost, once they have not changed for a moment. Run as an
   * effect: the returned function drops the question.
   */
  askPrice(): () => void {
    const settings = $state.snapshot(this.settings) as Settings;
    const body = this.pricedBody();
    void account.key; // each account has its own price
    void hordeStatus.recoveries; // what was not answered is asked again
    this.failure = undefined; // it was about what the settings were before

    const asked = new AbortController();
    const timer = setTimeout(() => {
      if (Object.keys(this.validate(settings)).length > 0) return this.#setPrice(undefined);
      this.#pricing = asked;
      this.callPrice(body, asked.signal).then(
        (price) => this.#setPrice(price),
        (error) => !asked.signal.aborted && this.#setPrice(undefined, this.#foresee(error)),
      );
    }, PRICE_DELAY);

    return () => {
      clearTimeout(timer);
      asked.abort();
    };
  }

  protected fail(error: unknown): void {
    this.failure = this.#explain(error);
    if (!(error instanceof HordeError)) return;

    const { fields, rest } = this.sortErrors(error.fields);
    this.errors = fields;
    if (rest.length > 0) this.failure = { ...this.failure, text: rest.join(' · ') };
  }

  #setPrice(price: Price | undefined, foreseen?: Refusal): void {
    this.price = price && { ...price, notes: price.notes.map(inPageWords) };
    this.foreseen = foreseen;
  }

  // What is worth being told before sending: what sending would not get past.
  #foresee(error: unknown): Refusal | undefined {
    return error instanceof HordeError && error.status < 429 && error.rc !== '' ? this.#explain(error) : undefined;
  }

  #explain(error: unknown): Refusal {
    return refusalOf(error, { anonymous: account.anonymous, source: this.hasSource() });
  }
}
