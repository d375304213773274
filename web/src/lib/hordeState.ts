// The state of the horde in words, derived from what its last answers said: never from
// what they did not say.

import type { HordeError } from './api/client';
import type { ActiveModel, Heartbeat, Modes, Performance } from './api/types';
import { amount, count, seconds } from './format';

/** What was answered. Members are undefined until they were. */
export interface Answers {
  heartbeat?: Heartbeat;
  performance?: Performance;
  models?: ActiveModel[];
  modes?: Modes;
  /** Why the last refresh failed; undefined if it did not. */
  error?: HordeError;
  /** Time of the last refresh that was answered in full, ms; 0 before. */
  at: number;
}

export interface HordeState {
  /**
   * asking: nothing is known yet. down: no answer, or the server itself says that
   * it cannot work. closed: it takes no requests. idle: nobody serves images.
   * busy: requests wait. fine: they do not.
   */
  level: 'asking' | 'down' | 'closed' | 'idle' | 'busy' | 'fine';
  title: string;
  text: string;
}

/** A horde is busy where a new request waits longer than this. */
const BUSY_SECONDS = 30;

/** The models that workers serve; the API also lists those that are only waited for. */
export function servedModels(models: ActiveModel[] | undefined): ActiveModel[] | undefined {
  return models?.filter((model) => model.count > 0);
}

export function stateOf(answers: Answers): HordeState {
  const { heartbeat, performance, models, modes, error } = answers;
  if (error) return outage(error, answers.at);
  if (!heartbeat || !performance) return { level: 'asking', title: 'Asking the server…', text: '' };

  if (heartbeat.message !== 'OK' || heartbeat.db_connection === false) {
    const what =
      heartbeat.db_connection === false
        ? 'its database or its store of images does not answer'
        : `it says “${heartbeat.message}”`;
    return { level: 'down', title: 'The server cannot work at the moment', text: `It answers, but ${what}.` };
  }
  if (modes?.maintenance_mode) {
    return { level: 'closed', title: 'Maintenance', text: 'No new requests are taken until it is over.' };
  }
  return workersState(performance, servedModels(models) ?? []);
}

function outage(error: HordeError, at: number): HordeState {
  const since = at
    ? `The figures are from ${clock(at)}, the last full answer.`
    : 'It has not answered since this page was opened.';

  if (error.unanswered) return { level: 'down', title: 'The server does not answer', text: since };
  if (error.status === 429) {
    const limit = `This address has asked too much: the limit is ${error.message}.`;
    return { level: 'down', title: 'The server answers only in part', text: `${limit} ${since}` };
  }
  return { level: 'down', title: 'The server answers with an error', text: `${error.message} ${since}` };
}

// Who is there to generate images, and how much waits for them.
function workersState(performance: Performance, models: ActiveModel[]): HordeState {
  const others = [
    performance.text_worker_count > 0 ? count(performance.text_worker_count, 'text worker') : '',
    performance.interrogator_count > 0 ? count(performance.interrogator_count, 'alchemy worker') : '',
  ].filter(Boolean);
  const wait = 'An image request waits up to 20 minutes for one.';

  if (performance.worker_count === 0 && others.length === 0)
    return { level: 'idle', title: 'No worker is online', text: wait };
  if (performance.worker_count === 0) {
    return { level: 'idle', title: 'No worker generates images', text: `Online: ${others.join(' and ')}. ${wait}` };
  }

  const workers = count(performance.worker_count, 'image worker');
  if (models.length === 0) {
    return {
      level: 'idle',
      title: 'No worker takes image requests',
      text: `${workers} online, in maintenance or without a model. ${wait}`,
    };
  }

  const queued = performance.queued_requests;
  if (queued === 0) return { level: 'fine', title: 'Ready', text: `${workers} online, nothing waits.` };

  const delay = secondsOfQueue(performance, models);
  const queue = `${count(queued, 'image')} in the queue, ${workers} online.`;
  if (delay === undefined ? queued > performance.thread_count : delay > BUSY_SECONDS) {
    return {
      level: 'busy',
      title: 'Busy',
      text: delay === undefined ? queue : `${queue} A new request waits about ${seconds(delay)}.`,
    };
  }
  return { level: 'fine', title: 'Ready', text: queue };
}

/** Seconds until the whole queue is served; undefined while no speed is known. */
function secondsOfQueue(performance: Performance, models: ActiveModel[]): number | undefined {
  const rate = models.reduce((fastest, model) => Math.max(fastest, model.count * model.performance), 0);
  return rate > 0 ? (performance.queued_megapixelsteps * 1e6) / rate : undefined;
}

function clock(at: number): string {
  return new Date(at).toLocaleTimeString('en', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
}

/** The speed of a model's workers together, in words; the API counts pixelsteps a second. */
export function speed(pixelsteps: number): string {
  return pixelsteps > 0 ? `${amount(pixelsteps / 1e6)} Mps/s` : 'not known';
}
