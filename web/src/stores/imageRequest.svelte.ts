// One request for images: how far it is, and the images as they come.

import type { Generation, ImageStatus, JobProgress, RequestEnd, RequestStatus } from '../lib/api/types';
import { timeLeft } from '../lib/eta';
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
import { FollowedRequest } from './followedRequest.svelte';
import { gallery, type GalleryImage } from './gallery.svelte';

/** Shortest time between two status calls, ms: the API allows ten a minute. */
const STATUS_INTERVAL = 7000;

/** One request on its way to being images. */
export class ImageRequest extends FollowedRequest<Settings, RequestEnd> {
  slots = $state.raw<Slot[]>([]);
  /** Images that this browser keeps, by job id. */
  images = $state.raw<Record<string, GalleryImage>>({});
  /** Why images cannot be shown, by job id. */
  missing = $state.raw<Record<string, ImageError>>({});
  /** Ids of jobs whose images this browser can show by their address, but not read and keep. */
  linked = $state.raw<Record<string, boolean>>({});

  /** When the status was asked for last, ms, and the timer for asking again. */
  #askedAt = 0;
  #askLater: ReturnType<typeof setTimeout> | undefined;
  /** Ids of the jobs whose images are being fetched. */
  #fetching = new Set<string>();

  constructor(settings: Settings, startedAt: number, onEnd: (id: string) => void, id = '') {
    super(settings, startedAt, onEnd, id);
    this.slots = emptySlots(settings.n);
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

  protected callCancel = () => client.cancel(this.id);
  protected callCheck = () => client.check(this.id);
  protected callStatus = () => client.status(this.id);

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

  protected takeProgress(progress: JobProgress): void {
    this.slots = withProgress(this.slots, progress, Date.now());
  }

  protected override update(status: RequestStatus): void {
    if (this.ended) return;
    const before = this.status;
    super.update(status);

    this.slots = withStatus(this.slots, status, before);
    if (this.cancelled || status.faulted)
      this.slots = withoutUnstarted(this.slots, status.processing + status.finished);
    if (status.finished > (before?.finished ?? 0) && !status.done) void this.#showFinished();
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

  protected async takeResults(status: RequestEnd): Promise<number> {
    clearTimeout(this.#askLater);
    await this.#take(status);
    this.slots = this.slots.filter((slot) => slot.generation);
    return status.generations.length;
  }

  protected explainNothing(status: RequestEnd): Explanation {
    return {
      title: 'The workers could not generate this',
      text: status.restarted > 0 ? `Failed attempts: ${status.restarted}.` : 'The horde gave it up.',
      advice: 'Try again, or try another model or size.',
    };
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
