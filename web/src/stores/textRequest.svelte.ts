// One request for a text: how far it is, and the text as it comes.

import type { JobProgress, TextEnd } from '../lib/api/types';
import { timeLeft } from '../lib/eta';
import type { Explanation } from '../lib/refusals';
import type { TextSettings } from '../lib/textSettings';
import { client } from './account.svelte';
import { FollowedRequest } from './followedRequest.svelte';

/** One request on its way to being a text. */
export class TextRequest extends FollowedRequest<TextSettings, TextEnd> {
  /** The text so far, or all of it. */
  text = $state('');
  /** What the worker said last, and when (ms). */
  progress = $state.raw<JobProgress>();
  #heardAt = 0;
  /** Who generated it, with what; undefined before it is there. */
  result = $state.raw<TextEnd['generations'][number]>();

  protected callCancel = () => client.cancelText(this.id);
  protected callCheck = () => client.textStatus(this.id);
  protected callStatus = () => client.textStatus(this.id);

  /** Seconds until the request should be done, at now (ms); see timeLeft of lib/eta. */
  timeLeft(now: number): number | undefined {
    const jobs = this.progress ? [{ progress: this.progress, at: this.#heardAt }] : [];
    return timeLeft(this.status, this.statusAt, jobs, now);
  }

  protected takeProgress(progress: JobProgress): void {
    // Another attempt, by another job, begins anew.
    if (progress.job !== this.progress?.job) this.text = '';
    this.progress = progress;
    this.#heardAt = Date.now();
    this.text = progress.text ?? this.text;
  }

  protected async takeResults(status: TextEnd): Promise<number> {
    this.result = status.generations[0];
    this.text = this.result?.text ?? '';
    return status.generations.length;
  }

  protected explainNothing(status: TextEnd): Explanation {
    return {
      title: 'The workers could not generate this',
      text: status.restarted > 0 ? `Failed attempts: ${status.restarted}.` : 'The horde gave it up.',
      advice: 'Try again, or try another model or length.',
    };
  }
}
