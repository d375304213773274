// What requests for images and for text have in common: where they stand, following them
// to their end, and cancelling them.

import { HordeError } from '../lib/api/client';
import type { Accepted, Check, JobProgress, RequestStatus } from '../lib/api/types';
import type { RequestEvent } from '../lib/events/watcher';
import { explain, type Explanation } from '../lib/refusals';
import { feed } from './feed';
import { hordeStatus } from './hordeStatus.svelte';

export type Phase = 'sending' | 'waiting' | 'generating' | 'done' | 'failed' | 'cancelled';

/** One request on its way. End is what its last event and its status call say. */
export abstract class FollowedRequest<Settings, End extends Check & { cancelled?: boolean }> {
  /** '' until the horde has taken it. */
  id = $state('');
  phase = $state<Phase>('sending');
  status = $state<RequestStatus>();
  /** When the status came, ms: its wait_time counts down from there. */
  statusAt = $state(0);
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
  /** When the last result was there, ms; 0 before. */
  doneAt = $state(0);

  #unfollow: () => void = () => {};
  protected ended = false;

  constructor(
    readonly settings: Settings,
    readonly startedAt: number,
    /** Called once with the id, when the request has ended. */
    protected readonly onEnd: (id: string) => void,
    id = '',
  ) {
    this.id = id;
  }

  /** The calls of this kind of request. */
  protected abstract callCancel(): Promise<unknown>;
  protected abstract callCheck(): Promise<Check>;
  protected abstract callStatus(): Promise<End>;

  /** Takes the progress of a job. */
  protected abstract takeProgress(progress: JobProgress): void;

  /** Takes the results of a request that has ended; reports how many there are. */
  protected abstract takeResults(status: End): Promise<number>;

  /** Says why there are no results though nobody cancelled. */
  protected abstract explainNothing(status: End): Explanation;

  get running(): boolean {
    return this.phase === 'sending' || this.phase === 'waiting' || this.phase === 'generating';
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
      await this.callCancel();
      this.cancelled = true;

      const check = await this.callCheck();
      this.update({ ...this.status, ...check });
      if (check.processing === 0) await this.#end(await this.callStatus());
    } catch (error) {
      // Once it is cancelled, the events tell how it goes on.
      if (!this.ended && error instanceof HordeError && error.status === 404) this.#fail(explain(error));
      else if (!this.cancelled) this.cancelError = explain(error).title;
    } finally {
      this.cancelling = false;
    }
  }

  protected update(status: RequestStatus): void {
    if (this.ended) return;
    this.status = status;
    this.statusAt = Date.now();
    this.cancelled ||= status.cancelled === true;
    this.phase = status.processing > 0 || status.finished > 0 ? 'generating' : 'waiting';
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
        return this.update(event.status);
      case 'progress':
        this.phase = 'generating';
        return this.takeProgress(event.progress);
      case 'end':
        return void this.#end(event.status as unknown as End); // what was sent as one kind ends as it
      case 'gone':
        return this.#fail(explain(new HordeError(event.message, 404, 'RequestNotFound')));
    }
  }

  async #end(status: End): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    this.#unfollow();

    // The request counts as running until its results are here.
    this.status = status;
    this.cancelled ||= status.cancelled === true;
    this.phase = 'generating';
    const results = await this.takeResults(status);

    if (results === 0 && !this.cancelled) return this.#fail(this.explainNothing(status));
    this.phase = results > 0 ? 'done' : 'cancelled';
    this.doneAt = Date.now();
    this.onEnd(this.id);
  }

  #fail(failure: Explanation): void {
    this.ended = true;
    this.#unfollow();
    this.failure = failure;
    this.phase = 'failed';
    this.onEnd(this.id);
  }
}

/** Message and warnings of an accepted request, each once. */
function remarksOf(accepted: Accepted): string[] {
  const remarks = (accepted.warnings ?? []).map((warning) => warning.message);
  if (accepted.message) remarks.unshift(accepted.message);
  return [...new Set(remarks)];
}
