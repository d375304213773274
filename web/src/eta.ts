// How long a request still takes. Once steps are reported they decide: what a step
// takes, times the steps that are left. Before that, and for jobs that no worker has
// yet, the server's own estimate counts.

import type { Check, JobProgress } from './api';
import { seconds } from './words';

/** What was heard of a running job last, and when (ms). */
export interface Heard {
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
export function timeLeft(check: Check | undefined, checkedAt: number, jobs: Heard[], now: number): number | undefined {
  const running = runningLeft(check, jobs, now);
  if (!check || check.wait_time <= 0) return running;
  if (running !== undefined && check.waiting === 0) return running;

  // What no worker has yet, only the server can judge.
  const told = check.wait_time - (now - checkedAt) / 1000;
  return running === undefined ? told : Math.max(running, told);
}

// A worker makes the images of a batch one after the other, so what it has adds up;
// workers work side by side.
function runningLeft(check: Check | undefined, jobs: Heard[], now: number): number | undefined {
  const byWorker = new Map<string, number>();
  let whole = 0;
  for (const { progress, at } of jobs) {
    const each = stepSeconds(progress);
    if (each <= 0) continue;
    const left = each * Math.max(0, progress.steps - progress.step) - (now - at) / 1000;
    byWorker.set(progress.worker_name, (byWorker.get(progress.worker_name) ?? 0) + left);
    whole = Math.max(whole, each * progress.steps);
  }
  if (byWorker.size === 0) return undefined;

  // Jobs of the batch that no step is known of come after those in hand.
  const unheard = byWorker.size === 1 ? Math.max(0, (check?.processing ?? 0) - jobs.length) : 0;
  return Math.max(...byWorker.values()) + unheard * whole;
}

/** Up to so many seconds left it may be any moment. */
const SOON = 2;
/** For so long it may be any moment; then it takes longer than was expected. Ms. */
const PATIENCE = 10_000;

/**
 * Turns estimates into words that stay true: it remembers since when the end was due,
 * so that an estimate that stays small does not promise "any moment" for ever.
 */
export class Countdown {
  #dueSince = 0;

  /** left as timeLeft gives it; ended: there is nothing to wait for any more. */
  words(left: number | undefined, now: number): string {
    if (left === undefined && this.#dueSince === 0) return '';
    if (left !== undefined && left > SOON) {
      this.#dueSince = 0;
      return `about ${roughly(left)}`;
    }
    this.#dueSince ||= now;
    return now - this.#dueSince < PATIENCE ? 'any moment now' : 'longer than expected';
  }

  /** The server was away: what was due then is judged afresh. */
  reset(): void {
    this.#dueSince = 0;
  }
}

/** An estimate in words, as exact as an estimate can be: to 5 s from a minute on, to a minute from ten. */
export function roughly(value: number): string {
  const grain = value < 60 ? 1 : value < 600 ? 5 : 60;
  return seconds(Math.max(1, Math.round(value / grain) * grain));
}
