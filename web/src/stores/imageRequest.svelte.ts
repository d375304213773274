// One request for images: how far it is, and the images as they come.

import { HordeError } from '../lib/api/client';
import type { Accepted, Generation, ImageStatus, RequestEnd, RequestStatus } from '../lib/api/types';
import { timeLeft } from '../lib/eta';
import type { RequestEvent } from '../lib/events/watcher';
import { canShow, fetchBlob, ImageError } from '../lib/images';
import type { StoredImage } from '../lib/imageStore';
import { explain, type Explanation } from '../lib/refusals';
import { BUILT_IN_MODEL, type Settings } from '../lib/settings';
import {
  emptySlots,
  runningSlots,
  withGenerations,
  withoutUnstarted,
  withProgress,
  withStatus,
  type Slot,
} from '../lib/slots';
import { client } from './account.svelte';
import { feed } from './feed';
import { gallery, type GalleryImage } from './gallery.svelte';
import { hordeStatus } from './hordeStatus.svelte';

export type Phase = 'sending' | 'waiting' | 'generating' | 'done' | 'failed' | 'cancelled';

/** Shortest time between two status calls, ms: the API allows ten a minute. */
const STATUS_INTERVAL = 7000;

/** One request on its way to being images. */
export class ImageRequest {
  phase = $state<Phase>('sending');
  status = $state<RequestStatus>();
  /** When the status came, ms: its wait_time counts down from there. */
  statusAt = $state(0);
  slots = $state.raw<Slot[]>([]);
  /** Images that this browser keeps, by job id. */
  images = $state.raw<Record<string, GalleryImage>>({});
  /** Why images cannot be shown, by job id. */
  missing = $state.raw<Record<string, ImageError>>({});
  /** Ids of jobs whose images this browser can show by their address, but not read and keep. */
  linked = $state.raw<Record<string, boolean>>({});
  /** What the horde remarked when it took the request. */
  remarks = $state<string[]>([]);
  failure = $state<Explanation>();
  /** The server does not answer at the moment. */
  unreachable = $state(false);
  cancelling = $state(false);
  /** Why the last try to cancel failed. */
  cancelError = $state('');
  /** Nothing more is handed out; what workers have in hand still comes. */
  cancelled = $state(false);
  /** When the last image was there, ms; 0 before. */
  doneAt = $state(0);

  #unfollow: () => void = () => {};
  #ended = false;
  /** When the status was asked for last, ms, and the timer for asking again. */
  #askedAt = 0;
  #askLater: ReturnType<typeof setTimeout> | undefined;
  /** Ids of the jobs whose images are being fetched. */
  #fetching = new Set<string>();

  constructor(
    readonly settings: Settings,
    readonly startedAt: number,
    /** Called once, when the request has ended. */
    private readonly onEnd: (request: ImageRequest) => void,
    public id = '',
  ) {
    this.slots = emptySlots(settings.n);
  }

  get running(): boolean {
    return this.phase === 'sending' || this.phase === 'waiting' || this.phase === 'generating';
  }

  /** How many images are here, or cannot be: what is counted as finished is what is shown. */
  get shown(): number {
    return this.slots.filter(({ generation }) => {
      if (!generation) return false;
      const { id, censored } = generation;
      return censored || this.images[id] || this.linked[id] || this.missing[id];
    }).length;
  }

  /** How many images workers have delivered. */
  get delivered(): number {
    return Math.max(this.status?.finished ?? 0, this.shown);
  }

  /** Seconds until the request should be done, at now (ms); see timeLeft of lib/eta. */
  timeLeft(now: number): number | undefined {
    const jobs = runningSlots(this.slots).map((slot) => ({ progress: slot.progress!, at: slot.heardAt! }));
    return timeLeft(this.status, this.statusAt, jobs, now);
  }

  follow(accepted?: Accepted): void {
    this.phase = 'waiting';
    if (accepted) this.remarks = remarksOf(accepted);
    this.#unfollow = feed.follow(this.id, (event) => this.#handle(event));
  }

  /**
   * Stops what no worker has begun. What workers have in hand is still delivered and
   * charged: it is followed to its end, and kept.
   */
  async cancel(): Promise<void> {
    this.cancelling = true;
    this.cancelError = '';
    try {
      await client.cancel(this.id);
      this.cancelled = true;

      const check = await client.check(this.id);
      this.#update({ ...this.status, ...check });
      if (check.done && check.processing === 0) await this.#end(await client.status(this.id));
    } catch (error) {
      // Once it is cancelled, the events tell how it goes on.
      if (!this.#ended && error instanceof HordeError && error.status === 404) this.#fail(explain(error));
      else if (!this.cancelled) this.cancelError = explain(error).title;
    } finally {
      this.cancelling = false;
    }
  }

  /** Fetches the image of a job again, by a fresh link. */
  async fetchAgain(job: string): Promise<void> {
    try {
      const status = await client.status(this.id);
      const generation = status.generations.find(({ id }) => id === job);
      if (!generation) return;

      this.slots = withGenerations(this.slots, { ...status, generations: [generation] });
      this.#setMissing(job, undefined);
      await this.#fetchImage(generation);
    } catch (error) {
      const { title, text } = explain(error);
      this.#setMissing(job, new ImageError(`${title}. ${text}`, 0));
    }
  }

  #handle(event: RequestEvent): void {
    if (event.kind === 'connection') {
      this.unreachable = !event.answers;
      if (event.answers) hordeStatus.serverAnswered();
      return;
    }

    this.unreachable = false;
    switch (event.kind) {
      case 'status':
        return this.#update(event.status);
      case 'progress':
        this.phase = 'generating';
        this.slots = withProgress(this.slots, event.progress, Date.now());
        return;
      case 'end':
        return void this.#end(event.status);
      case 'gone':
        return this.#fail(explain(new HordeError(event.message, 404, 'RequestNotFound')));
    }
  }

  #update(status: RequestStatus): void {
    if (this.#ended) return;
    const finishedMore = status.finished > (this.status?.finished ?? 0);

    this.slots = withStatus(this.slots, status, this.status);
    this.status = status;
    this.statusAt = Date.now();
    this.cancelled ||= status.cancelled === true;
    if (this.cancelled || status.faulted)
      this.slots = withoutUnstarted(this.slots, status.processing + status.finished);
    this.phase = status.processing > 0 || status.finished > 0 ? 'generating' : 'waiting';

    if (finishedMore && !status.done) void this.#showFinished();
  }

  // Shows the first images of several before the last is there.
  async #showFinished(): Promise<void> {
    const wait = this.#askedAt + STATUS_INTERVAL - Date.now();
    if (wait > 0) {
      clearTimeout(this.#askLater);
      this.#askLater = setTimeout(() => this.running && void this.#showFinished(), wait);
      return;
    }

    this.#askedAt = Date.now();
    const status = await client.status(this.id).catch(() => undefined);
    if (status && this.running) await this.#take(status);
  }

  async #end(status: RequestEnd): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#unfollow();
    clearTimeout(this.#askLater);

    // The request counts as running until its images are here.
    this.status = status;
    this.cancelled ||= status.cancelled === true;
    this.phase = 'generating';
    await this.#take(status);
    this.slots = this.slots.filter((slot) => slot.generation);

    if (status.generations.length === 0 && !this.cancelled) {
      return this.#fail({
        title: 'The workers could not generate this',
        text: status.restarted > 0 ? `Failed attempts: ${status.restarted}.` : 'The horde gave it up.',
        advice: 'Try again, or try another model or size.',
      });
    }
    this.phase = status.generations.length > 0 ? 'done' : 'cancelled';
    this.doneAt = Date.now();
    this.onEnd(this);
  }

  async #take(status: ImageStatus): Promise<void> {
    this.slots = withGenerations(this.slots, status);
    await Promise.all(status.generations.map((generation) => this.#fetchImage(generation)));
  }

  // Fetches a finished image and puts it into the gallery.
  async #fetchImage(generation: Generation): Promise<void> {
    const { id } = generation;
    if (this.images[id] || generation.censored || this.#fetching.has(id)) return;

    this.#fetching.add(id);
    try {
      const blob = await fetchBlob(generation.img);
      const image = await gallery.add(toStoredImage(generation, this.settings, blob));
      this.images = { ...this.images, [id]: image };
      this.#setMissing(id, undefined);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      // What pages may not read can perhaps be shown; only keeping it fails.
      if (error.status === 0 && (await canShow(generation.img))) this.linked = { ...this.linked, [id]: true };
      else this.#setMissing(id, error);
    } finally {
      this.#fetching.delete(id);
    }
  }

  #setMissing(job: string, error: ImageError | undefined): void {
    const { [job]: _, ...others } = this.missing;
    this.missing = error ? { ...others, [job]: error } : others;
  }

  #fail(failure: Explanation): void {
    this.#ended = true;
    this.#unfollow();
    this.failure = failure;
    this.phase = 'failed';
    this.onEnd(this);
  }
}

function toStoredImage(generation: Generation, settings: Settings, blob: Blob): StoredImage {
  const { prompt, negative, model, width, height, steps, cfg, sampler, loras } = settings;
  return {
    id: generation.id,
    prompt,
    negative,
    model: generation.model,
    requestedModel: model,
    worker: generation.worker_name,
    seed: generation.seed,
    width,
    height,
    steps,
    cfg,
    sampler,
    loras: model === BUILT_IN_MODEL ? loras : [],
    at: Date.now(),
    notes: notesOf(generation),
    blob,
  };
}

/** Message and warnings of an accepted request, each once. */
function remarksOf(accepted: Accepted): string[] {
  const remarks = (accepted.warnings ?? []).map((warning) => warning.message);
  if (accepted.message) remarks.unshift(accepted.message);
  return [...new Set(remarks)];
}

/** Why a worker left a LoRA out. */
const LORA_FAULTS: Partial<Record<string, string>> = {
  download_failed: 'the worker could not get it',
  baseline_mismatch: 'it is for another model',
};

/** What the worker remarks on an image. */
function notesOf(generation: Generation): string[] {
  return generation.gen_metadata
    .map(({ type, value, ref = '' }) => {
      if (type === 'lora') return `LoRA ${ref}: left out, ${LORA_FAULTS[value] ?? value}`;
      if (type !== 'information') return '';
      return value === 'see_ref' ? ref : value;
    })
    .filter(Boolean);
}
