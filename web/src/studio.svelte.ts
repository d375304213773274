// The requests of this page: sent, followed, cancelled, and picked up again
// after a reload.

import { HordeError, type Accepted, type Generation, type ImageStatus, type RequestEnd, type RequestStatus } from './api';
import { account, horde } from './account.svelte';
import { album, type Hung } from './album.svelte';
import { emptyPlaces, inHand, withGenerations, withoutRest, withProgress, withStatus, type Place } from './easel';
import { timeLeft } from './eta';
import { Feed, surroundings } from './feed';
import type { Kept } from './history';
import { toRequest, type Order } from './order';
import { canShow, fetchBlob, ImageError } from './picture';
import { loadJSON, store } from './storage';
import type { News } from './watch';
import { explain, type Explained } from './words';

export type Phase = 'sending' | 'waiting' | 'painting' | 'done' | 'failed' | 'cancelled';

/** Shortest time between two status calls, ms: the API allows ten a minute. */
const STATUS_EVERY = 7000;

/** Follows the requests of all tabs. */
const feed = new Feed(horde, surroundings());
globalThis.addEventListener?.('pagehide', () => feed.leave());
globalThis.addEventListener?.('pageshow', (event) => (event as PageTransitionEvent).persisted && feed.back());

/** One request on its way to being images. */
export class Painting {
  phase = $state<Phase>('sending');
  check = $state<RequestStatus>();
  /** When check came, ms: its wait_time counts down from there. */
  checkedAt = $state(0);
  places = $state.raw<Place[]>([]);
  /** Kept images by job id. */
  hung = $state.raw<Record<string, Hung>>({});
  /** Why images cannot be shown, by job id. */
  lacking = $state.raw<Record<string, ImageError>>({});
  /** Ids of jobs whose images this browser can show, but not read and keep. */
  direct = $state.raw<Record<string, boolean>>({});
  remarks = $state<string[]>([]);
  failure = $state<Explained>();
  /** The server does not answer at the moment. */
  trouble = $state(false);
  cancelling = $state(false);
  /** Why the last try to cancel failed. */
  uncancelled = $state('');
  /** Nothing more is handed out; what workers have in hand still comes. */
  cancelled = $state(false);
  /** When the last image was there, ms; 0 before. */
  doneAt = $state(0);

  #stop: () => void = () => {};
  #ended = false;
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

  /** How many images are here, or cannot be: what is counted as finished is what is shown. */
  get arrived(): number {
    return this.places.filter(({ generation }) => {
      if (!generation) return false;
      const { id, censored } = generation;
      return censored || this.hung[id] || this.direct[id] || this.lacking[id];
    }).length;
  }

  /** How many images workers have delivered. */
  get delivered(): number {
    return Math.max(this.check?.finished ?? 0, this.arrived);
  }

  /** Seconds until the request should be done, at now (ms); see timeLeft. */
  timeLeft(now: number): number | undefined {
    const jobs = inHand(this.places).map((place) => ({ progress: place.progress!, at: place.heardAt! }));
    return timeLeft(this.check, this.checkedAt, jobs, now);
  }

  follow(accepted?: Accepted): void {
    this.phase = 'waiting';
    if (accepted) this.remarks = remarksOf(accepted);
    this.#stop = feed.follow(this.id, (news) => this.#hear(news));
  }

  /**
   * Stops what no worker has begun. What workers have in hand is still delivered and
   * charged: it is followed to its end, and kept.
   */
  async cancel(): Promise<void> {
    this.cancelling = true;
    this.uncancelled = '';
    try {
      await horde.cancel(this.id);
      this.cancelled = true;
      const check = await horde.check(this.id);
      this.#note({ ...this.check, ...check });
      if (check.done && check.processing === 0) await this.#end(await horde.status(this.id));
    } catch (error) {
      if (!this.#ended && error instanceof HordeError && error.status === 404) this.#fail(explain(error));
      else if (!this.cancelled) this.uncancelled = explain(error).title; // else the events tell how it goes on
    } finally {
      this.cancelling = false;
    }
  }

  /** Asks for the image of a job again, by a fresh link. */
  async fetchAgain(job: string): Promise<void> {
    try {
      const status = await horde.status(this.id);
      const generation = status.generations.find(({ id }) => id === job);
      if (!generation) return;
      this.places = withGenerations(this.places, { ...status, generations: [generation] });
      this.#lacks(job, undefined);
      await this.#hang(generation);
    } catch (error) {
      const { title, text } = explain(error);
      this.#lacks(job, new ImageError(`${title}. ${text}`, 0));
    }
  }

  #hear(news: News): void {
    if (news.kind === 'reach') {
      this.trouble = !news.answers;
      return;
    }
    this.trouble = false;
    switch (news.kind) {
      case 'status':
        return this.#note(news.status);
      case 'progress':
        this.phase = 'painting';
        this.places = withProgress(this.places, news.progress, Date.now());
        return;
      case 'end':
        return void this.#end(news.status);
      case 'gone':
        return this.#fail(explain(new HordeError(news.message, 404, 'RequestNotFound')));
    }
  }

  #note(status: RequestStatus): void {
    if (this.#ended) return;
    const news = status.finished > (this.check?.finished ?? 0);
    this.places = withStatus(this.places, status, this.check);
    this.check = status;
    this.checkedAt = Date.now();
    this.cancelled ||= status.cancelled === true;
    if (this.cancelled || status.faulted) this.places = withoutRest(this.places, status.processing + status.finished);
    this.phase = status.processing > 0 || status.finished > 0 ? 'painting' : 'waiting';
    if (news && !status.done) void this.#peek();
  }

  // Shows the first images of several before the last is there.
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

  async #end(status: RequestEnd): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#stop();
    clearTimeout(this.#later);
    this.check = status;
    this.cancelled ||= status.cancelled === true;
    this.phase = 'painting'; // until its images are here
    await this.#take(status);
    this.places = this.places.filter((place) => place.generation);
    if (status.generations.length === 0 && !this.cancelled) {
      return this.#fail({
        title: 'The workers could not generate this',
        text: status.restarted > 0 ? `Failed tries: ${status.restarted}.` : 'The horde gave it up.',
        advice: 'Try again, or try another model or size.',
      });
    }
    this.phase = status.generations.length > 0 ? 'done' : 'cancelled';
    this.doneAt = Date.now();
    studio.settled(this);
  }

  async #take(status: ImageStatus): Promise<void> {
    this.places = withGenerations(this.places, status);
    await Promise.all(status.generations.map((generation) => this.#hang(generation)));
  }

  #hanging = new Set<string>();

  async #hang(generation: Generation): Promise<void> {
    const { id } = generation;
    if (this.hung[id] || generation.censored || this.#hanging.has(id)) return;
    this.#hanging.add(id);
    try {
      const blob = await fetchBlob(generation.img);
      const hung = await album.add(this.#kept(generation, blob));
      this.hung = { ...this.hung, [id]: hung };
      this.#lacks(id, undefined);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      // What pages may not read can perhaps be shown; only keeping it fails.
      if (error.status === 0 && (await canShow(generation.img))) this.direct = { ...this.direct, [id]: true };
      else this.#lacks(id, error);
    } finally {
      this.#hanging.delete(id);
    }
  }

  #kept(generation: Generation, blob: Blob): Kept {
    const { prompt, negative, model, width, height, steps, cfg, sampler } = this.order;
    return {
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
    };
  }

  #lacks(job: string, error: ImageError | undefined): void {
    const { [job]: _, ...rest } = this.lacking;
    this.lacking = error ? { ...rest, [job]: error } : rest;
  }

  #fail(failure: Explained): void {
    this.#ended = true;
    this.#stop();
    this.failure = failure;
    this.phase = 'failed';
    studio.settled(this);
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
      remember(painting);
    } catch (error) {
      this.dismiss(painting);
      throw error;
    }
  }

  /** Picks up what was being generated when the page was left, or is in another tab. */
  resume(): void {
    this.paintings = pending().map(({ id, order, startedAt }) => new Painting(order, startedAt, id));
    for (const painting of this.paintings) painting.follow();
  }

  dismiss(painting: Painting): void {
    this.paintings = this.paintings.filter((p) => p !== painting);
    forget(painting);
  }

  settled(painting: Painting): void {
    forget(painting);
    void account.refresh();
  }
}

// What is pending is kept for all tabs together: each changes its own entries alone.
function pending(): Pending[] {
  const kept = loadJSON<unknown>('pending', []);
  return Array.isArray(kept) ? (kept as Pending[]).filter((p) => typeof p?.id === 'string' && p.order) : [];
}

function remember({ id, order, startedAt }: Painting): void {
  keep([{ id, order, startedAt }, ...pending().filter((p) => p.id !== id)]);
}

function forget({ id }: Painting): void {
  if (id) keep(pending().filter((p) => p.id !== id));
}

function keep(list: Pending[]): void {
  store('pending', list.length ? JSON.stringify(list) : '');
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
