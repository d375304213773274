// The order being written: kept over reloads, checked before it is sent, with
// the server's complaints beside the fields they are about.

import { HordeError, type ImageRequest, type Price } from './api';
import { account, horde } from './account.svelte';
import type { Kept } from './history';
import { byField, emptyOrder, faults, POCKET, toRequest, withModel, type Field, type Order } from './order';
import { readFile } from './picture';
import { pulse } from './pulse.svelte';
import { loadJSON, store } from './storage';
import { studio } from './studio.svelte';
import { inPageWords, refusalOf, type Refusal } from './refusal';

/** A picture to start from. */
export interface Source {
  name: string;
  /** Without a data: prefix. */
  base64: string;
}

/** The pause after the last change before the price is asked, ms. */
const SETTLE = 900;

class Draft {
  order = $state<Order>({ ...emptyOrder(), ...loadJSON<Partial<Order>>('draft', {}) });
  source = $state.raw<Source>();
  wrong = $state<Partial<Record<Field, string>>>({});
  /** Why the order was not taken when it was sent. */
  failure = $state.raw<Refusal>();
  sending = $state(false);
  /** As the horde computes it; undefined while unknown. */
  price = $state.raw<Price>();
  /** Why the horde would refuse the order as it stands; undefined if it would not. */
  refused = $state.raw<Refusal>();

  #modelChosen = loadJSON<Partial<Order>>('draft', {}).model !== undefined;
  #priced: AbortController | undefined;

  keep(): void {
    store('draft', JSON.stringify(this.order));
  }

  setModel(model: string): void {
    this.#modelChosen = true;
    this.order = withModel(this.order, model);
    delete this.wrong.model;
  }

  /** The built-in model is the first choice of a visitor who made none. */
  preselect(): void {
    if (this.#modelChosen || !pulse.models?.some((model) => model.name === POCKET)) return;
    this.setModel(POCKET);
  }

  /** The field was changed: the complaint about it is out of date. */
  touched(field: Field): void {
    delete this.wrong[field];
  }

  async load(file: File): Promise<void> {
    try {
      const { base64 } = await readFile(file);
      this.source = { name: file.name, base64 };
      delete this.wrong.source;
    } catch {
      this.wrong.source = 'This file is no picture that the browser can read.';
    }
  }

  async startFrom(picture: Kept): Promise<void> {
    const { base64 } = await readFile(picture.blob);
    this.source = { name: `“${picture.prompt}”`, base64 };
  }

  reuse(picture: Kept, seed: boolean): void {
    const { prompt, negative, width, height, steps, cfg, sampler } = picture;
    this.#modelChosen = true;
    this.wrong = {};
    this.failure = undefined;
    this.order = {
      ...this.order,
      ...{ prompt, negative, width, height, steps, cfg, sampler },
      model: picture.ordered,
      seed: seed ? picture.seed : '',
    };
  }

  restore(order: Order): void {
    this.#modelChosen = true;
    this.order = { ...order, downgrade: undefined };
  }

  /** Makes the order small enough to need no kudos upfront, as far as the horde would. */
  async shrink(): Promise<boolean> {
    try {
      const { width, height, steps } = await horde.price({ ...this.#anyWords(), allow_downgrade: true });
      const { order } = this;
      this.order = { ...order, width: width ?? order.width, height: height ?? order.height, steps: steps ?? order.steps };
      return true;
    } catch (error) {
      this.#refused(error);
      return false;
    }
  }

  async paint({ downgrade = false } = {}): Promise<boolean> {
    this.#priced?.abort();
    this.failure = undefined;
    this.wrong = faults(this.order);
    if (Object.keys(this.wrong).length > 0) return false;
    this.sending = true;
    try {
      await studio.paint({ ...$state.snapshot(this.order), downgrade: downgrade || undefined }, this.source?.base64 ?? '');
      return true;
    } catch (error) {
      this.#refused(error);
      return false;
    } finally {
      this.sending = false;
    }
  }

  #refused(error: unknown): void {
    this.failure = this.#explain(error);
    if (!(error instanceof HordeError)) return;
    const { fields, rest } = byField(error.fields);
    this.wrong = fields;
    if (rest.length > 0) this.failure = { ...this.failure, text: rest.join(' · ') };
  }

  #explain(error: unknown): Refusal {
    return refusalOf(error, { anonymous: account.anonymous, source: this.source !== undefined });
  }

  // No price depends on the words: half-written ones stay here.
  #anyWords(): ImageRequest {
    return toRequest({ ...$state.snapshot(this.order), prompt: 'an image', negative: '' }, this.source?.base64 ?? '');
  }

  #priceIs(price: Price | undefined, refused?: Refusal): void {
    this.price = price && { ...price, notes: price.notes.map(inPageWords) };
    this.refused = refused;
  }

  /** Asks what the order would cost, once it has not changed for a moment. */
  ask(): () => void {
    const order = $state.snapshot(this.order);
    const request = this.#anyWords();
    void account.key;
    void pulse.recoveries; // what was not answered is asked again
    this.failure = undefined; // it was about what the order was before
    const asked = new AbortController();
    const timer = setTimeout(() => {
      if (Object.keys(faults(order)).length > 0) return this.#priceIs(undefined);
      this.#priced = asked;
      horde.price(request, asked.signal).then(
        (price) => this.#priceIs(price),
        (error) => !asked.signal.aborted && this.#priceIs(undefined, this.#foreseen(error)),
      );
    }, SETTLE);
    return () => {
      clearTimeout(timer);
      asked.abort();
    };
  }

  // What is worth being told before sending: what sending would not get past.
  #foreseen(error: unknown): Refusal | undefined {
    return error instanceof HordeError && error.status < 429 && error.rc !== '' ? this.#explain(error) : undefined;
  }
}

export const draft = new Draft();
