// How long a request still takes. Once steps are reported they decide: what a step
// takes, times the steps that are left. Before that, and for jobs that no worker has
// yet, the server's own estimate counts.

import type { Check, JobProgress } from './api/types';
import { seconds } from './format';

/** What was heard last of a running job, and when (ms). */
export interface RunningJob {
  progress: JobProgress;
  at: number;
}

/** Seconds that one step of a job takes; 0 while no step is done. */
export function stepSeconds(progress: JobProgress): number {
  if (progress.step_seconds) return progress.step_seconds;
  return progress.elapsed && progress.step > 0 ? progress.elapsed / progress.step : 0;
}

/**
 * Seconds until the request is done, as it stands at now (ms); below 0 it takes that
 * much longer than was expected. Undefined while there is nothing to go by.
 */
export function timeLeft(
  check: Check | undefined,
  checkedAt: number,
  jobs: RunningJob[],
  now: number,
): number | undefined {
  const running = runningLeft(check, jobs, now);
  if (!check || check.wait_time <= 0) return running;
  if (running !== undefined && check.waiting === 0) return running;

  // What no worker has yet, only the server can judge.
  const estimate = check.wait_time - (now - checkedAt) / 1000;
  return running === undefined ? estimate : Math.max(running, estimate);
}

// A worker makes the images of a batch one after the other, so what it has adds up;
// workers work side by side.
function runningLeft(check: Check | undefined, jobs: RunningJob[], now: number): number | undefined {
  const byWorker = new Map<string, number>();
  let wholeJob = 0; // seconds of the slowest job from its first step to its last
  for (const { progress, at } of jobs) {
    const each = stepSeconds(progress);
    if (each <= 0) continue;

    const left = each * Math.max(0, progress.steps - progress.step) - (now - at) / 1000;
    byWorker.set(progress.worker_name, (byWorker.get(progress.worker_name) ?? 0) + left);
    wholeJob = Math.max(wholeJob, each * progress.steps);
  }
  if (byWorker.size === 0) return undefined;

  // Jobs of the batch that no step is known of come after those in hand.
  const unheard = byWorker.size === 1 ? Math.max(0, (check?.processing ?? 0) - jobs.length) : 0;
  return Math.max(...byWorker.values()) + unheard * wholeJob;
}

/** With so many seconds left or fewer it may be any moment. */
const DUE_SECONDS = 2;
/** For so long it may be any moment; then it takes longer than was expected. Ms. */
const DUE_TIME = 10_000;

/**
 * Turns estimates into words that stay true: it remembers since when the end was due,
 * so that an estimate that stays small does not promise "any moment" for ever.
 */
export class Countdown {
  #dueSince = 0;

  /** left as timeLeft gives it. */
  words(left: number | undefined, now: number): string {
    if (left === undefined && this.#dueSince === 0) return '';

    if (left !== undefined && left > DUE_SECONDS) {
      this.#dueSince = 0;
      return `about ${roughly(left)}`;
    }

    this.#dueSince ||= now;
    return now - this.#dueSince < DUE_TIME ? 'any moment now' : 'longer than expected';
  }

  /** Forgets since when the end was due, as after an outage of the server. */
  reset(): void {
    this.#dueSince = 0;
  }
}

/** An estimate in words, as exact as an estimate can be: to 5 s from a minute on, to a minute from ten. */
export function roughly(value: number): string {
  const grain = value < 60 ? 1 : value < 600 ? 5 : 60;
  return seconds(Math.max(1, Math.round(value / grain) * grain));
}
