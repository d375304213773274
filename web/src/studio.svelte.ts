// The requests of this page: sent, followed, cancelled, and picked up again
// after a reload.

import { HordeError, type Accepted, type Check, type Generation, type ImageStatus } from './api';
import { account, horde } from './account.svelte';
import { album, type Hung } from './album.svelte';
import { emptyPlaces, withGenerations, withProgress, type Place } from './easel';
import { toRequest, type Order } from './order';
import { fetchBlob } from './picture';
import { loadJSON, store } from './storage';
import { watch } from './watch';
import { explain, type Explained } from './words';

export type Phase = 'sending' | 'waiting' | 'painting' | 'done' | 'failed' | 'cancelled';

/** Shortest time between two status calls, ms: the API allows ten a minute. */
const STATUS_EVERY = 7000;

/** One request on its way to being pictures. */
export class Painting {
  phase = $state<Phase>('sending');
  check = $state<Check>();
  /** When check came, ms: its wait_time counts down from there. */
  checkedAt = $state(0);
  places = $state.raw<Place[]>([]);
  /** Kept pictures by job id. */
  hung = $state.raw<Record<string, Hung>>({});
  remarks = $state<string[]>([]);
  failure = $state<Explained>();
  /** The server does not answer at the moment. */
  trouble = $state(false);
  cancelling = $state(false);
  /** When the last picture was there, ms; 0 before. */
  doneAt = $state(0);

  #stop: () => void = () => {};
  #statusAt = 0;
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly order: Order,
    readonly startedAt: number,
    public id = '',
  ) {
    this.places = emptyPlaces(order.n);
  }

  get running(): boolean {
    return this.phase === 'sending' || this.phase === 'waiting' || this.phase === 'painting';
  }

  follow(accepted?: Accepted): void {
    this.phase = 'waiting';
    if (accepted) this.remarks = remarksOf(accepted);
    this.#stop = watch(horde, this.id, {
      status: (check) => this.#note(check),
      progress: (progress) => {
        this.trouble = false;
        this.phase = 'painting';
        this.places = withProgress(this.places, progress);
      },
      end: (status) => void this.#end(status),
      lost: (error) => this.#fail(explain(error)),
      trouble: () => (this.trouble = true),
    });
  }

  /** Stops what is not painted; finished pictures stay. */
  async cancel(): Promise<void> {
    this.cancelling = true;
    try {
      const status = await horde.cancel(this.id);
      this.#stop();
      await this.#take(status);
      this.places = this.places.filter((place) => place.generation);
      this.phase = this.places.length ? 'done' : 'cancelled';
      studio.settled();
    } catch (error) {
      if (error instanceof HordeError && error.status === 404) this.#fail(explain(error));
      else this.trouble = true;
    } finally {
      this.cancelling = false;
    }
  }

  #note(check: Check): void {
    this.trouble = false;
    const news = check.finished > (this.check?.finished ?? 0);
    this.check = check;
    this.checkedAt = Date.now();
    if (check.processing > 0 || check.finished > 0) this.phase = 'painting';
    if (news && !check.done) void this.#peek();
  }

  // Shows the first pictures of several before the last is there.
  async #peek(): Promise<void> {
    const wait = this.#statusAt + STATUS_EVERY - Date.now();
    if (wait > 0) {
      clearTimeout(this.#later);
      this.#later = setTimeout(() => this.running && void this.#peek(), wait);
      return;
    }
    this.#statusAt = Date.now();
    const status = await horde.status(this.id).catch(() => undefined);
    if (status && this.running) await this.#take(status);
  }

  async #end(status: ImageStatus): Promise<void> {
    this.check = status;
    await this.#take(status);
    if (status.generations.length === 0) {
      return this.#fail({
        title: 'The workers could not paint this',
        text: 'Several tried and failed.',
        advice: 'Try again, or try another model or size.',
      });
    }
    this.places = this.places.filter((place) => place.generation);
    this.phase = 'done';
    this.doneAt = Date.now();
    studio.settled();
  }

  async #take(status: ImageStatus): Promise<void> {
    this.places = withGenerations(this.places, status);
    await Promise.all(status.generations.map((generation) => this.#hang(generation)));
  }

  // A picture that cannot be fetched (its host says no) is still shown by its
  // address; only keeping it fails.
  async #hang(generation: Generation): Promise<void> {
    if (this.hung[generation.id] || generation.censored || generation.img === 'N/A') return;
    const blob = await fetchBlob(generation.img).catch(() => undefined);
    if (!blob) return;
    const { prompt, negative, model, width, height, steps, cfg, sampler } = this.order;
    const hung = await album.add({
      id: generation.id,
      prompt,
      negative,
      model: generation.model,
      ordered: model,
      worker: generation.worker_name,
      seed: generation.seed,
      width,
      height,
      steps,
      cfg,
      sampler,
      at: Date.now(),
      notes: notesOf(generation),
      blob,
    });
    this.hung = { ...this.hung, [generation.id]: hung };
  }

  #fail(failure: Explained): void {
    this.failure = failure;
    this.phase = 'failed';
    studio.settled();
  }
}

function remarksOf(accepted: Accepted): string[] {
  const remarks = (accepted.warnings ?? []).map((warning) => warning.message);
  if (accepted.message) remarks.unshift(accepted.message);
  return [...new Set(remarks)];
}

function notesOf(generation: Generation): string[] {
  return generation.gen_metadata
    .filter((entry) => entry.type === 'information')
    .map((entry) => (entry.value === 'see_ref' ? (entry.ref ?? '') : entry.value))
    .filter(Boolean);
}

/** A request as it survives a reload. */
interface Pending {
  id: string;
  order: Order;
  startedAt: number;
}

class Studio {
  /** Newest first. */
  paintings = $state.raw<Painting[]>([]);

  /**
   * Sends an order. Throws a HordeError if the horde refuses it; then nothing
   * is left of it.
   */
  async paint(order: Order, source: string): Promise<void> {
    const painting = new Painting({ ...order }, Date.now());
    this.paintings = [painting, ...this.paintings.filter((p) => p.running || p.phase === 'failed')];
    try {
      const accepted = await send(order, source);
      painting.id = accepted.id;
      painting.follow(accepted);
      this.#remember();
    } catch (error) {
      this.dismiss(painting);
      throw error;
    }
  }

  /** Picks up what was being painted when the page was left. */
  resume(): void {
    const pending = loadJSON<Pending[]>('pending', []);
    if (!Array.isArray(pending)) return;
    this.paintings = pending.map(({ id, order, startedAt }) => new Painting(order, startedAt, id));
    for (const painting of this.paintings) painting.follow();
  }

  dismiss(painting: Painting): void {
    this.paintings = this.paintings.filter((p) => p !== painting);
    this.#remember();
  }

  settled(): void {
    this.#remember();
    void account.refresh();
  }

  #remember(): void {
    const pending: Pending[] = this.paintings
      .filter((p) => p.running && p.id)
      .map(({ id, order, startedAt }) => ({ id, order, startedAt }));
    store('pending', pending.length ? JSON.stringify(pending) : '');
  }
}

// Who orders twice within a second may meet the limit of two requests a second; a
// short wait then beats an error.
async function send(order: Order, source: string): Promise<Accepted> {
  const request = toRequest(order, source);
  try {
    return await horde.generate(request);
  } catch (error) {
    const soon = error instanceof HordeError && error.status === 429 && !error.rc && error.retryAfter <= 2;
    if (!soon) throw error;
    await new Promise((resolve) => setTimeout(resolve, Math.max(1, error.retryAfter) * 1000));
    return horde.generate(request);
  }
}

export const studio = new Studio();
